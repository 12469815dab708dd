#!/usr/bin/env python3
"""Vendors' own verifiers, and independent ones where there is none, over deliveries that hookgate signed.

Standard input is a JSON list of deliveries: family, secret, url, headers (name to value), body (base64). Standard output is a JSON
list with what the verifier of each family said: true, false. With `sign` in place of a signature the library's own signature is
made, where it makes one: {family, secret, url, id, at, body} gives {"signature": ...}.

The libraries are in requirements.txt; .ci/run puts them into target/vendors.
"""
import base64
import datetime
import hashlib
import hmac
import json
import logging
import sys
from urllib.parse import parse_qsl

logging.disable(logging.CRITICAL)
TOLERANCE = 300  # seconds


def plain(value):
    return value.decode() if isinstance(value, bytes) else value


def stripe(d):
    import stripe as library

    library.WebhookSignature.verify_header(d["body"], d["headers"].get("stripe-signature"), d["secret"], TOLERANCE)
    return True


def standard_webhooks(d):
    from standardwebhooks import Webhook

    Webhook(d["secret"]).verify(d["body"], d["headers"], json_parse=False)
    return True


def svix(d):
    from svix.webhooks import Webhook

    Webhook(d["secret"]).verify(d["body"], d["headers"])
    return True


def standard_webhooks_ed25519(d):
    """PyNaCl: the specification's Python library knows no key pairs."""
    from nacl.signing import VerifyKey

    public = VerifyKey(base64.b64decode(d["public"].removeprefix("whpk_")))
    message = f'{d["headers"]["webhook-id"]}.{d["headers"]["webhook-timestamp"]}.'.encode() + d["body"]
    version, signature = d["headers"]["webhook-signature"].split(" ")[0].split(",")
    public.verify(message, base64.b64decode(signature, validate=True))
    return version == "v1a"


def slack(d):
    from slack_sdk.signature import SignatureVerifier

    return SignatureVerifier(d["secret"]).is_valid_request(d["body"], d["headers"])


def twilio(d):
    from twilio.request_validator import RequestValidator

    is_form = d["headers"]["content-type"].startswith("application/x-www-form-urlencoded")
    params = dict(parse_qsl(d["body"].decode(), keep_blank_values=True)) if is_form else d["body"].decode()
    return RequestValidator(d["secret"]).validate(d["url"], params, d["headers"]["x-twilio-signature"])


def discord(d):
    import contextlib
    import io

    from discord_interactions import verify_key

    with contextlib.redirect_stdout(io.StringIO()):
        return verify_key(d["body"], d["headers"]["x-signature-ed25519"], d["headers"]["x-signature-timestamp"], d["public"])


def square(d):
    from square.utils.webhooks_helper import verify_signature

    signature = d["headers"]["x-square-hmacsha256-signature"]
    return verify_signature(request_body=d["body"].decode(), signature_header=signature, signature_key=d["secret"], notification_url=d["url"])


def paddle(d):
    from paddle_billing.Notifications import Secret, Verifier

    class Request:
        headers = {"Paddle-Signature": d["headers"]["paddle-signature"]}
        body = d["body"]

    return Verifier(TOLERANCE).verify(Request(), Secret(d["secret"]))


def adyen(d):
    from Adyen.util import is_valid_hmac_notification

    return bool(is_valid_hmac_notification(json.loads(d["body"]), d["secret"]))


def rfc9421(d):
    """`http-message-signatures`, and the digest by hand, as that library leaves it to its users."""
    import http_message_signatures as library
    import requests

    class Keys(library.HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id):
            return base64.b64decode(d["secret"])

    names = {"content-type": "Content-Type", "content-digest": "Content-Digest", "signature": "Signature", "signature-input": "Signature-Input"}
    request = requests.Request("POST", d["url"], data=d["body"], headers={names.get(k, k): v for k, v in d["headers"].items()}).prepare()
    verifier = library.HTTPMessageVerifier(signature_algorithm=library.algorithms.HMAC_SHA256, key_resolver=Keys())
    verifier.allow_label_only_selection = True
    results = verifier.verify(request, max_age=datetime.timedelta(seconds=TOLERANCE), expect_label="sig1")
    digest = base64.b64encode(hashlib.sha256(d["body"]).digest()).decode()
    return bool(results) and d["headers"]["content-digest"] == f"sha-256=:{digest}:"


def by_hand(header, key, message, encode):
    """Python's own hmac, for vendors without a verifier in a library: their pages give the formula."""

    def verify(d):
        made = encode(hmac.new(key(d), message(d), hashlib.sha256))
        return hmac.compare_digest(made, d["headers"][header])

    return verify


def hexadecimal(mac):
    return mac.hexdigest()


def based64(mac):
    return base64.b64encode(mac.digest()).decode()


def utf8(d):
    return d["secret"].encode()


FAMILIES = {
    "stripe-webhook": stripe,
    "standard-webhooks": standard_webhooks,
    "standard-webhooks-ed25519": standard_webhooks_ed25519,
    "svix": svix,
    "slack-events": slack,
    "twilio-webhook": twilio,
    "twilio-webhook-json": twilio,
    "discord-interactions": discord,
    "square-webhook": square,
    "paddle-billing": paddle,
    "adyen": adyen,
    "rfc9421-hmac": rfc9421,
    "shopify-webhook": by_hand("x-shopify-hmac-sha256", utf8, lambda d: d["body"], based64),
    "orch-phase3": by_hand("x-signature", utf8, lambda d: d["body"], hexadecimal),
    "ietf-idempotency-key": by_hand("x-body-signature", utf8, lambda d: d["body"], lambda mac: "sha256=" + mac.hexdigest()),
    "zoom-webhook": by_hand(
        "x-zm-signature", utf8, lambda d: f'v0:{d["headers"]["x-zm-request-timestamp"]}:'.encode() + d["body"], lambda mac: "v0=" + mac.hexdigest()
    ),
    "gitlab-webhook": lambda d: hmac.compare_digest(d["headers"]["x-gitlab-token"], d["secret"]),
    "stripe-api": lambda d: hmac.compare_digest(d["headers"]["authorization"], f'Bearer {d["secret"]}'),
}


def orch_phase4(d):
    time, signature = (item.partition("=")[2] for item in d["headers"]["x-signature"].split(","))
    return hmac.compare_digest(hmac.new(d["secret"].encode(), f"{time}.".encode() + d["body"], hashlib.sha256).hexdigest(), signature)


FAMILIES["orch-phase4"] = orch_phase4


def sign(d):
    """The library's own signature."""
    family, secret, body = d["family"], d["secret"], d["body"]
    if family == "stripe-webhook":
        import stripe as library

        return library.WebhookSignature._compute_signature(f'{d["at"]}.{body.decode()}', secret)
    if family in ("standard-webhooks", "svix"):
        if family == "svix":
            from svix.webhooks import Webhook
        else:
            from standardwebhooks import Webhook
        return Webhook(secret).sign(d["id"], datetime.datetime.fromtimestamp(d["at"], datetime.timezone.utc), body.decode())
    if family == "slack-events":
        from slack_sdk.signature import SignatureVerifier

        return SignatureVerifier(secret).generate_signature(timestamp=str(d["at"]), body=body)
    if family == "twilio-webhook":
        from twilio.request_validator import RequestValidator

        return RequestValidator(secret).compute_signature(d["url"], dict(parse_qsl(body.decode(), keep_blank_values=True)))
    if family == "discord-interactions":
        from nacl.signing import SigningKey

        return SigningKey(bytes.fromhex(secret)).sign(str(d["at"]).encode() + body).signature.hex()
    if family == "adyen":
        from Adyen.util import generate_notification_sig

        return plain(generate_notification_sig(json.loads(body)["notificationItems"][0]["NotificationRequestItem"], secret))
    raise LookupError(family)


def told(d):
    d["body"] = base64.b64decode(d["body"])
    if d.get("sign"):
        return {"signature": sign(d)}
    d["headers"] = {name.lower(): value for name, value in d["headers"].items()}
    try:
        return bool(FAMILIES[d["family"]](d))
    except LookupError as cause:
        if d["family"] not in FAMILIES:
            raise
        return False if cause else False
    except Exception:
        return False


if __name__ == "__main__":
    json.dump([told(one) for one in json.load(sys.stdin)], sys.stdout)
