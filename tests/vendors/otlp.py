#!/usr/bin/env python3
"""Metrics by OTLP, read by the protocol's own definitions (opentelemetry-proto from PyPI).

Standard input is a JSON list of bodies of `POST /v1/metrics`; standard output a list of what each says: a list of
{"name", "kind", "attributes", "value", "start", "at"}. A body that holds what the protocol has not ends it.
"""
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE


def points(request):
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind)
                assert kind == "gauge" or data.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE, metric.name
                assert kind != "sum" or data.is_monotonic, metric.name
                for point in data.data_points:
                    if kind == "histogram":
                        assert len(point.bucket_counts) == len(point.explicit_bounds) + 1 and sum(point.bucket_counts) == point.count, point
                        assert list(point.explicit_bounds) == sorted(set(point.explicit_bounds)), point
                        value = point.count
                    else:
                        value = getattr(point, point.WhichOneof("value"))
                    assert kind == "gauge" or 0 < point.start_time_unix_nano <= point.time_unix_nano, point
                    attributes = {one.key: one.value.string_value for one in point.attributes}
                    start, at = point.start_time_unix_nano, point.time_unix_nano
                    yield {"name": metric.name, "kind": kind, "attributes": attributes, "value": value, "start": start, "at": at}


requests = [json_format.ParseDict(body, ExportMetricsServiceRequest()) for body in json.load(sys.stdin)]
print(json.dumps([list(points(request)) for request in requests]))
