"""Datasets as other tools hold them: Hugging Face, webdataset, Kaldi."""
