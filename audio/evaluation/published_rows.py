"""Published accuracies on the six tasks, in %.

Only numbers from the papers and from EVAR's public table are here. Averages are never copied, they are recomputed.
"""

from randquant.results.published import PublishedRow, PublishedTable

# In the order of the papers' tables.
SIX_TASKS = {
    "nsynth": "NS",
    "us8k": "US8K",
    "voxceleb1": "VC1",
    "voxforge": "VF",
    "spcv2-12": "SPCV2/12",
    "spcv2": "SPCV2",
}
_EVAR_COLUMNS = ("us8k", "spcv2", "voxceleb1", "voxforge", "nsynth")

_BYOLA = "Niizumi et al., BYOL for Audio, IJCNN 2021"
_RQ = "Wu et al., Randomized Quantization, ICCV 2023 (arXiv 2212.08663)"
_EVAR = "EVAR's public table of linear evaluations, as of February 2026"


def _six(name: str, numbers: tuple[float, ...], source: str, note: str = "") -> PublishedRow:
    return PublishedRow(name, dict(zip(SIX_TASKS, numbers, strict=True)), "byola-v1", source, note)


def _evar(name: str, numbers: tuple[float, ...], note: str = "") -> PublishedRow:
    return PublishedRow(name, dict(zip(_EVAR_COLUMNS, numbers, strict=True)), "evar", _EVAR, note)


PUBLISHED_ROWS = (
    _six("BYOL-A: RRC + Mixup", (74.1, 79.1, 40.1, 90.2, 91.0, 92.2), _BYOLA, "2048-d, AudioSet"),
    _six("RQ: RRC + RQ", (74.2, 78.0, 45.7, 92.6, 95.1, 92.1), _RQ, "AudioSet"),
    _six("BYOL-A ablation: RRC alone", (69.4, 77.1, 34.5, 80.3, 71.4, 77.4), _BYOLA, "512-d, 1/10 of AudioSet"),
    _evar("BYOL-A v2", (79.7, 93.1, 57.6, 93.3, 73.1)),
    _evar("M2D", (87.6, 96.0, 73.4, 98.3, 75.7)),
    _evar("M2D-CLAP 2024", (88.8, 95.8, 70.3, 98.3, 78.0), "trained with text"),
    _evar("M2D-CLAP 2025", (89.7, 94.8, 56.3, 97.1, 76.7), "trained with text"),
    _evar("ATST-Clip", (85.8, 95.1, 72.0, 97.6, 76.2)),
    _evar("ATST-Frame", (85.8, 94.9, 77.4, 98.8, 75.9)),
    _evar("Dasheng 1.2B", (83.5, 97.6, 77.8, 99.7, 76.9)),
    _evar("BEATs iter3", (84.8, 89.4, 41.4, 94.1, 75.9)),
    _evar("BEATs iter3+", (87.6, 86.7, 37.0, 92.5, 73.1), "trained with labels"),
    _evar("EAT base", (81.7, 81.5, 39.6, 92.6, 71.9)),
    _evar("SSLAM base", (81.4, 82.5, 33.9, 92.0, 73.8)),
    _evar("wav2vec2-C", (66.9, 96.6, 40.9, 99.2, 56.6)),
    _evar("MS-CLAP 2023", (88.4, 86.2, 21.1, 89.6, 80.5), "trained with text"),
    _evar("Whisper large-v3", (78.4, 98.2, 44.9, 99.9, 70.9), "trained with labels"),
    _evar("Qwen2.5-Omni 7B", (82.6, 98.4, 39.7, 99.9, 74.9), "trained with labels"),
)

NOTES = (
    "Averages are recomputed from the six numbers of a row, and left out where one is absent.",
    "SPCV2/12 cannot be compared across papers: its test set is not published. Ours is named below; the "
    "share of the largest class differs widely between the variants, so read macro recall beside accuracy.",
    "VF has two public splits, one by speaker and one (EVAR's) by archive, where a speaker may occur in train and "
    "test; the papers do not say which is theirs.",
    "VC1 has 1,251 speakers; the 1,211 of BYOL-A's paper are those of the verification split.",
    "RQ's paper follows BYOL-A and does not state the classifier's protocol, so its row stands under BYOL-A's.",
    f'Rows marked "other protocol" are context and no rivals. Sources: {_BYOLA}; {_RQ}; {_EVAR}.',
)

PUBLISHED = PublishedTable(SIX_TASKS, PUBLISHED_ROWS, NOTES)
