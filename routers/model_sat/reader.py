"""``QuestionReader``: which LM reads the questions, how, and where its readings are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sklearn.base import BaseEstimator

from routers.constraints import DEVICE, NUMBER_TYPE, PATH, Boolean, Constraints, Integer, Real
from routers.devices import arithmetic, resolve
from routers.precomputing import Precomputing, Progress
from routers.table import Texts
from routers.validation import check_parameters

if TYPE_CHECKING:
    from routers.model_sat.readings import Readings


class QuestionReader(Precomputing, BaseEstimator):
    """A frozen causal LM that reads each question once, for all llms, zoos, seeds and folds.

    Parameters
    ----------
    lm_path : str
        Folder of the LM and its tokenizer, or a hub name where a hub can be reached. Its layers
        must be laid out as those of Llama, Mistral or Qwen2.
    depth : float, default=0.9
        Share of the LM's layers, in [0, 1), below the place where soft tokens enter.
    max_question_tokens : int, default=192
        Longer questions lose their middle.
    plain : bool, default=False
        A control: only the words before a question's options are read, in lower case.
    trained : bool, default=True
        False is a control: an LM of the same layout with random weights.
    dtype : {"auto", "float32", "bfloat16", "float16"}, default="auto"
        Arithmetic of the LM; ``"auto"`` is 16 bits where that is native, else float32.
    device : str or None, default=None
        As torch names it; by default a GPU where there is one.
    cache_folder : str or None, default=None
        Where readings are kept between runs; by default only in this process.
    prefix_cache_gb : float, default=8
        Readings beyond this size are computed whenever they are needed. One takes
        ``4 * layers above the cut * heads of keys * their width`` bytes per token: with
        SmolLM2-135M at the default depth 2.3 kB, about 0.2 GB per 1,000 questions of 85 tokens.
    """

    parameter_constraints: ClassVar[Constraints] = {
        "lm_path": PATH,
        "depth": Real(0, 1, open_high=True),
        "max_question_tokens": Integer(1),
        "plain": Boolean(),
        "trained": Boolean(),
        "dtype": NUMBER_TYPE,
        "device": DEVICE | None,
        "cache_folder": PATH | None,
        "prefix_cache_gb": Real(0),
    }

    def __init__(
        self,
        lm_path: str,
        depth: float = 0.9,
        max_question_tokens: int = 192,
        plain: bool = False,
        trained: bool = True,
        dtype: str = "auto",
        device: str | None = None,
        cache_folder: str | None = None,
        prefix_cache_gb: float = 8.0,
    ):
        self.lm_path = lm_path
        self.depth = depth
        self.max_question_tokens = max_question_tokens
        self.plain = plain
        self.trained = trained
        self.dtype = dtype
        self.device = device
        self.cache_folder = cache_folder
        self.prefix_cache_gb = prefix_cache_gb

    @property
    def arithmetic(self) -> str:
        """What the LM computes with, such as ``"float32 on cpu"``."""
        return arithmetic(self.dtype, self.device)

    @property
    def fingerprint(self) -> str:
        """Hash of the LM's weights, the cut, the preparation of a question and the arithmetic."""
        return self.readings().fingerprint

    def precompute(self, texts: Texts, progress: Progress | None = None) -> int:
        """Read the questions that are not kept yet, and return how many that were."""
        return self.readings().fill(texts, progress)

    def readings(self) -> Readings:
        """Return the readings of this LM, one object per process.

        Raises
        ------
        InvalidParameterError
            If a parameter is wrong, or the LM's layers are built otherwise than Llama's.
        """
        from routers.model_sat.language_model import load_lm
        from routers.model_sat.readings import readings_of

        check_parameters(self)
        number_type, device = resolve(self.dtype, self.device)
        lm = load_lm(self.lm_path, self.depth, number_type, device, self.trained)
        return readings_of(
            lm,
            self.lm_path,
            self.max_question_tokens,
            self.plain,
            self.cache_folder,
            self.prefix_cache_gb,
        )
