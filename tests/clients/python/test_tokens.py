import time

import jwt
import pytest

from kinship_client import sign_user_token

SECRET = "a secret of at least thirty-two bytes"


def test_a_token_is_a_jwt_of_its_user() -> None:
    claims = jwt.decode(sign_user_token(SECRET, "Zoë/1", seconds=60), SECRET, ["HS256"])
    assert claims["sub"] == "Zoë/1"
    assert 0 < claims["exp"] - time.time() <= 60


@pytest.mark.parametrize(("user", "seconds"), [("", 60), ("ann", 0), ("ann", 86401)])
def test_a_token_that_the_service_would_refuse_is_not_signed(user: str, seconds: int) -> None:
    with pytest.raises(ValueError, match="token"):
        sign_user_token(SECRET, user, seconds=seconds)
