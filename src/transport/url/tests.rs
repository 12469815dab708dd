//! Addresses of receivers: every form that is read, and what is told of one that is none.

use super::Target;

/// Every form of a Unix socket's address is the same one; what is none is told.
#[test]
fn unix_sockets_are_read_in_the_forms_that_are_used() {
    for (text, told, url) in [
        ("unix:/run/a.sock", "unix:/run/a.sock", "http://localhost/x"),
        ("unix:///run/a.sock", "unix:/run/a.sock", "http://localhost/x"),
        ("unix:/run/a.sock:/hooks/", "unix:/run/a.sock:/hooks", "http://localhost/hooks/x"),
        ("http+unix://%2Frun%2Fa.sock/hooks", "unix:/run/a.sock:/hooks", "http://localhost/hooks/x"),
    ] {
        let target = Target::parse(text).unwrap();
        assert_eq!((target.to_string().as_str(), target.url("/x").as_str()), (told, url), "{text}");
    }
    for text in ["unix:", "unix:run/a.sock", "unix:/", "http+unix://run", "unix:/a.sock:/?x"] {
        assert!(Target::parse(text).is_err(), "{text}");
    }
}

/// An address of a page is a target and the page's path.
#[test]
fn pages_are_found_by_whole_addresses() {
    let own = Target::parse("http://h").unwrap();
    for (address, target, path) in [
        ("http://h:1/ready?a=/b", "http://h:1", "/ready?a=/b"),
        ("https://h", "https://h", "/"),
        ("unix:/a/b.sock:/ready", "unix:/a/b.sock", "/ready"),
        ("unix:/a/b.sock", "unix:/a/b.sock", "/"),
    ] {
        let (found, there) = own.page(address).unwrap();
        assert_eq!((found.to_string().as_str(), there.as_str()), (target, path));
    }
}

/// The name that was given stands in `Host` and in SNI; the address stays what it is.
#[test]
fn another_name_is_only_a_name() {
    let target = Target::parse("https://127.0.0.1:8443").unwrap().named("receiver.example:443").unwrap();
    assert_eq!((target.authority().as_str(), target.server_name().as_str()), ("receiver.example:443", "receiver.example"));
    assert_eq!((target.host(), target.port(), target.to_string().as_str()), ("127.0.0.1", 8443, "https://127.0.0.1:8443"));
    assert!(Target::parse("http://h").unwrap().named("a b").is_err());
}
