"""What of the pages cannot run without data, a network, other packages or hours: left out, each with its reason."""

UNRUNNABLE = {
    "git clone": "network",
    "make demo": "minutes; tests/scripts/test_demo.py runs it",
    "make test": "it would run itself",
    "--download": "network",
    "YOUR_COPY_OF": "published weights, which everybody gets for themselves",
    "AudioNTT2022-BYOLA-64x96d2048.pth": "published weights, which everybody gets for themselves",
    "gpu.yaml": "a GPU",
    "--devices 2": "a second device",
    "scripts.benchmark": "minutes of measuring; tests/scripts/test_benchmark.py runs its pairs",
    "--precision bf16": "stores of whole datasets; tests/scripts run the flag on small ones",
    "scripts.reproduce RESULTS.md": "hours; tests/scripts/test_reproduce_page.py runs a small page",
    "--arms": "several trainings of each arm; tests/scripts/test_compare.py runs it",
    "scripts.rehearse": "the published numbers of items; tests/scripts/test_rehearse.py runs it",
    "heareval": "packages that cannot be installed beside a current PyTorch",
    "hearbaseline": "packages that cannot be installed beside a current PyTorch",
    "xares": "an environment of its own",
    "mteb": "an environment of its own",
    "evar_model": "a copy of EVAR, which its licence does not let pass on",
}
# Pages whose blocks a test of their own follows to the letter.
FOLLOWED = {
    "CONTRIBUTING.md": "tests/test_contributing.py",
    "common/images/TRANSFORMS.md": "tests/images/test_transforms_page.py",
}
