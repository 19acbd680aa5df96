"""``from demucs_onnx.export import export_to_onnx``, as scripts have it."""
from .onnx import export_model, export_to_onnx, verify_onnx_parity

__all__ = ["export_model", "export_to_onnx", "verify_onnx_parity"]
