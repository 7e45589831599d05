"""Folders of installed packages."""

from pathlib import Path

import click
import pytest

from dimscope.demos.base import package_folder
from dimscope.errors import InputError


def test_a_folder_is_found_without_importing():
    found = package_folder("click", "click", "demo")
    assert found == Path(str(click.__file__)).parent


def test_a_missing_package_names_its_extra():
    with pytest.raises(InputError) as error:
        package_folder("no-such-package-of-ours", "data", "demo")
    assert str(error.value) == (
        "the package no-such-package-of-ours of this demo is not installed. Install it with: pip install 'dimscope[demo]'"
    )
    assert error.value.exit_code == 1


def test_a_package_without_the_folder_is_to_be_installed_again():
    with pytest.raises(InputError, match=r"the installed package click holds no folder data; install it again\."):
        package_folder("click", "data", "demo")
