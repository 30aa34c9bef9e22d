"""A new project folder: mapping, study, policy, a first notebook and what to do next."""

from __future__ import annotations

from churnml.project.start import Project, start_project

__all__ = ["Project", "start_project"]
