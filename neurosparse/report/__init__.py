"""The main job end to end, and its report: JSON, figures and one HTML page."""

try:
    from jinja2 import Environment as _Environment  # noqa: F401
    from matplotlib.figure import Figure as _Figure  # noqa: F401
except ImportError as error:
    from neurosparse.errors import BackendMissingError

    raise BackendMissingError(
        f"neurosparse.report needs {str(error.name).partition('.')[0]}, which is not installed; "
        "pip install 'neurosparse[report]'"
    ) from error

from neurosparse.report.document import SCHEMA_NAME, SCHEMA_VERSION, report_dict
from neurosparse.report.figures import ReportFigure, draw_figures
from neurosparse.report.html import render_html
from neurosparse.report.main_job import MainJob, run_main_job
from neurosparse.report.write import ReportPaths, run_demo, write_report

__all__ = [
    "SCHEMA_NAME",
    "SCHEMA_VERSION",
    "MainJob",
    "ReportFigure",
    "ReportPaths",
    "draw_figures",
    "render_html",
    "report_dict",
    "run_demo",
    "run_main_job",
    "write_report",
]
