"""Examples of the calls of experiments."""

from collections.abc import Mapping
from typing import Any

from recommender.api.documentation import Call
from recommender.api.example_errors import (
    MANAGING,
    NOT_JSON,
    PARAMETER,
    TOO_LARGE,
    UNKNOWN,
    invalid,
)
from recommender.api.problems import Problem

_NAME = "more-diversity"
_PATH = {"name": _NAME}
_AT = "2026-01-22T10:00:00Z"
_PLAN: dict[str, Any] = {
    "placement": "home",
    "layer": "main",
    "part_from": 0.0,
    "part_to": 0.2,
    "variants": [
        {"name": "control", "share": 0.5, "overrides": {}, "holdout": False},
        {"name": "diverse", "share": 0.5, "overrides": {"diversity": 0.3}, "holdout": False},
    ],
    "metric": "orders",
    "guards": ["revenue"],
}
_DRAFT = {
    "name": _NAME,
    **_PLAN,
    "status": "draft",
    "started_at": None,
    "ended_at": None,
    "end_reason": "",
}
_RUNS = _DRAFT | {"status": "running", "started_at": _AT}
_COMPARED = {
    "control": 0.412,
    "variant": 0.431,
    "difference": {"mean": 0.019, "low": 0.004, "high": 0.034},
    "lift": {"mean": 0.046, "low": 0.01, "high": 0.083},
    "p_value": 0.008,
}
_RESULT = {
    "units": {"control": 20_104, "diverse": 19_980},
    "crossed": 0,
    "sample_ratio_p": 1.0,
    "metrics": {"orders": {"diverse": _COMPARED}, "revenue": {"diverse": None}},
    "text": [
        "diverse is clearly better: orders a user +4.6% against the control (+1.0% to +8.3%)."
    ],
}
_UNKNOWN = Problem(404, "unknown-experiment", f"There is no experiment {UNKNOWN!r}.")
_ENDED = Problem(409, "experiment-state", "It has ended; make another.")
_BODY = (NOT_JSON, PARAMETER, *TOO_LARGE)

EXPERIMENTS: Mapping[tuple[str, str], Call] = {
    ("get", "/v1/experiments"): Call(
        answers={200: "ExperimentsOut"}, answer={"items": [_RUNS]}, errors=(*MANAGING, PARAMETER)
    ),
    ("put", "/v1/experiments/{name}"): Call(
        answers={200: "ExperimentOut", 201: "ExperimentOut"},
        answer=_DRAFT,
        bodies={"two ways of making the home page's list": _PLAN},
        parameters=_PATH,
        errors=(
            *MANAGING,
            invalid("body.variants.1.share", "Input should be greater than 0"),
            Problem(
                400, "invalid-experiment", "The shares [0.5, 0.6] are not above 0 and add up to 1."
            ),
            _ENDED,
            *_BODY,
        ),
    ),
    ("get", "/v1/experiments/{name}"): Call(
        answers={200: "ExperimentResultOut"},
        answer={**_RUNS, "result": _RESULT},
        parameters=_PATH,
        errors=(*MANAGING, PARAMETER, _UNKNOWN),
    ),
    ("post", "/v1/experiments/{name}/start"): Call(
        answers={200: "ExperimentOut"},
        answer=_RUNS,
        bodies={"as planned": {}, "for half of the layer": {"part_to": 0.5}},
        parameters=_PATH,
        errors=(*MANAGING, _UNKNOWN, _ENDED, *_BODY),
    ),
    ("post", "/v1/experiments/{name}/stop"): Call(
        answers={200: "ExperimentOut"},
        answer=_RUNS | {"status": "ended", "ended_at": _AT, "end_reason": "seen enough"},
        bodies={"with a reason": {"reason": "seen enough"}},
        parameters=_PATH,
        errors=(*MANAGING, _UNKNOWN, _ENDED, *_BODY),
    ),
}
