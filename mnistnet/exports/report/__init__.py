"""Reports in the assignment's form: a run, or several runs as steps, as Markdown and as one HTML file."""

from mnistnet.exports.report.report import Report as Report
from mnistnet.exports.report.report import run_files as run_files
from mnistnet.exports.report.report import run_report as run_report
from mnistnet.exports.report.series import series_files as series_files
from mnistnet.exports.report.series import series_report as series_report
