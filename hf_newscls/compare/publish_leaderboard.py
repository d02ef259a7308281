"""Push a leaderboard to a dataset repository."""

from collections.abc import Mapping

from hf_newscls.compare.leaderboard import Leaderboard
from hf_newscls.compare.page import build_leaderboard_files, render_board_card
from hf_newscls.hub.account import Account
from hf_newscls.hub.commit import Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.file_checks import check_files
from hf_newscls.hub.ownership import check_ownership
from hf_newscls.hub.preflight import find_target
from hf_newscls.report.card_metadata import LEADERBOARD_TAG, TOOL_TAG

__all__ = ["push_leaderboard"]


def push_leaderboard(board: Leaderboard, repo_id: str, *, account: Account, private: bool) -> Pushed:
    """Push page, JSON, figure and card in one commit; no commit if nothing changed.

    Args:
        board: what to push.
        repo_id: owner/name of the dataset repository; created if it does not exist.
        account: that pushes.
        private: whether the repository must be private.

    Raises:
        PublishError: the Hub refused or could not be reached, the repository is public but must be private, or it
            holds something else.
    """
    files: dict[str, Content] = {**build_leaderboard_files(board), "README.md": render_board_card(board).encode()}
    check_files(files)
    target = find_target(repo_id, account, private=private, repo_type="dataset")

    def build(head: Head) -> Mapping[str, Content]:
        """Return the files, if the repository is new or holds a leaderboard."""
        check_ownership(head, repo_id=repo_id, content="a leaderboard", tags=(TOOL_TAG, LEADERBOARD_TAG))
        return files

    return push_files(
        build, target, PushOptions(message="Compare models with hf_newscls", command="hf-newscls compare --publish")
    )
