"""NumPy arrays as fields of dataclasses that pydantic reads from JSON and writes to JSON."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator

_TO_LIST = PlainSerializer(np.ndarray.tolist)

FloatArray = Annotated[NDArray[np.float64], PlainValidator(lambda values: np.asarray(values, np.float64)), _TO_LIST]
IntArray = Annotated[NDArray[np.int64], PlainValidator(lambda values: np.asarray(values, np.int64)), _TO_LIST]
