"""Write what a kit says to people who open it."""

from __future__ import annotations

from graphproc.kits.manifest import Manifest

FILE = "README.md"


def text(manifest: Manifest) -> str:
    """Return the text of a kit's README."""
    backends = "".join(f"- `{section.backend}`: {section.parity}\n" for section in manifest.backends)
    return TEXT.format(processor=manifest.processor, backends=backends, default=manifest.backends[0].backend)


TEXT = """# Golden kit of {processor}

Images, and what each step of this image processor makes of them, bit for bit. It proves an
implementation in any language: preprocess the images, write what comes out, and compare.

    graphproc check THIS_FOLDER RESULTS [--backend NAME]

The backends of this kit, and what their values are equal to. Without `--backend` it is
`{default}`.

{backends}
## What to write

RESULTS is a folder. What step STEP makes of case CASE goes into `CASE/STEP.npy`, or under the name
STEP into `CASE.safetensors`. A single `.safetensors` file with names `CASE/STEP` does as well. An
output's name may take the place of its step's. Steps may be left out: the fewer are left out, the
more precisely the first difference is found. Values have no axis for a batch, but one of length 1
in front is passed over. Cases of several images have outputs alone, as one call gives them.

## What is here

- `manifest.json`: the settings; for each backend the program as text, its steps and outputs; each
  case with why it is here, its images, and each value's type, shape and SHA-256 digest.
- `manifest.tsv`: the same facts for programs without a JSON reader, one in a line, with fields
  between tabs:

      kit      FORMAT  CLASS  VERSION
      backend  BACKEND  PARITY
      output   BACKEND  OUTPUT  STEP
      case     CASE  HOW_MANY_IMAGES  WHY
      image    CASE  NUMBER  NPY_FILE  PNG_FILE
      input    CASE  NUMBER  NAME  NPY_FILE
      value    CASE  BACKEND  STEP  TYPE  SHAPE  SHA256  NPY_FILE
      refused  HEIGHT  WIDTH  BACKENDS  MESSAGE

- `images/`: uint8 [height, width, 3], red first, as `.npy` and as PNG; and what the class reads
  beside them.
- `values/`: the values that fit into the kit. Of others (`-` for the file) there is the digest: the
  SHA-256 of the elements, little-endian, in C order, without a header.

Sizes under `refused` have to be refused. What `one_sided` lists is not tried here: the other side
of these comparisons needs larger images, or smaller limits in the settings.
"""
