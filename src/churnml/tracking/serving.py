"""The bundle as an MLflow model: a feature frame in, probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

import churnml

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from mlflow.models.model import ModelInfo

KEYS = ["customer_id", "as_of"]

_SERVING = (
    "mlflow",
    "duckdb",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "sqlglot",
    "xgboost",
)


class Predictor(Protocol):
    """What predicts: a bundle."""

    def predict(self, features: pd.DataFrame, /) -> pd.Series:
        """Probability, indexed by (customer_id, as_of)."""


class ServedBundle:
    """The bundle as an MLflow model: a feature frame in, probabilities out."""

    def __init__(self, bundle: Predictor) -> None:
        self._bundle = bundle

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Customer_id, as_of and probability of every row, in the order of the input."""
        probability = self._bundle.predict(model_input.set_index(KEYS))
        keys = model_input[KEYS].reset_index(drop=True)
        return keys.assign(probability=probability.to_numpy())


def _load_pyfunc(data_path: str) -> ServedBundle:
    """Open the model for MLflow, which calls this by name: no pickle, no generated script."""
    from churnml.model.bundle import Bundle

    return ServedBundle(Bundle.load(Path(data_path)))


def log_bundle(bundle: Path, *, dtypes: Mapping[str, str]) -> ModelInfo:
    """Log the bundle as the model of the open run; the package travels with it."""
    import mlflow

    return mlflow.pyfunc.log_model(
        name="model",
        loader_module=__name__,
        data_path=str(bundle),
        code_paths=[str(Path(churnml.__file__).parent)],
        signature=_signature(dtypes),
        input_example=_example(dtypes),
        # given, because MLflow's own inference takes half a minute
        pip_requirements=[f"{name}=={installed(name)}" for name in _SERVING],
    )


def _signature(dtypes: Mapping[str, str]) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    keys = [ColSpec("string", "customer_id"), ColSpec("datetime", "as_of")]
    features = [
        ColSpec("double" if _is_number(dtype) else "string", name, required=_is_number(dtype))
        for name, dtype in dtypes.items()
    ]
    return ModelSignature(
        inputs=Schema([*keys, *features]), outputs=Schema([*keys, ColSpec("double", "probability")])
    )


def _is_number(dtype: str) -> bool:
    return dtype.lower().startswith(("float", "int", "uint", "bool"))


def _example(dtypes: Mapping[str, str]) -> pd.DataFrame:
    """One invented row: no customer's data is stored with a model."""
    values = {name: 1.0 if _is_number(dtype) else "example" for name, dtype in dtypes.items()}
    return pd.DataFrame(
        {"customer_id": ["example"], "as_of": [pd.Timestamp("2026-01-05")]}
        | {name: [value] for name, value in values.items()}
    )
