"""The doctor: what is wrong with a data set, found before training is."""

from kerasseg.data.doctor.case import Case, open_folder, open_published
from kerasseg.data.doctor.class_weights import (
    WEIGHTINGS,
    ClassHistogram,
    class_histogram,
    class_weights,
)
from kerasseg.data.doctor.diagnosis import Diagnosis, diagnose
from kerasseg.data.doctor.findings import KINDS, Finding, Severity
from kerasseg.data.doctor.json_file import json_schema, read_report
from kerasseg.data.doctor.report import check_free, write_report
from kerasseg.data.doctor.terminal import summary

__all__ = [
    "KINDS",
    "WEIGHTINGS",
    "Case",
    "ClassHistogram",
    "Diagnosis",
    "Finding",
    "Severity",
    "check_free",
    "class_histogram",
    "class_weights",
    "diagnose",
    "json_schema",
    "open_folder",
    "open_published",
    "read_report",
    "summary",
    "write_report",
]
