"""`python -m hf_newscls` is `hf-newscls`."""

from hf_newscls.cli import main

main()
