"""What an exported file may be."""

from typing import Literal

Format = Literal["onnx", "torch_export"]
Precision = Literal["float32", "float16", "int8"]
