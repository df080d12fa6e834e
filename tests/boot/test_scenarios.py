# SPDX-License-Identifier: MIT
"""Every scenario of images/ boots in OVMF and is judged."""

import pytest

import scenario


@pytest.mark.parametrize("name", [name for name in scenario.names() if name != "demo"])
def test_scenario(name):
    try:
        scenario.boot(name)
    except scenario.Failure as error:
        pytest.fail(str(error), pytrace=False)
