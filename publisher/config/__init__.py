"""config.toml as one frozen value, checked whole: every problem is reported at once, in one line each.

file (TOML)  →  environment PUBLISHER_SECTION__KEY over it  →  secrets from *_file  →  Config
"""

from publisher.config.options import Config, is_trial, site_of
from publisher.config.reading import load_config
from publisher.config.showing import Setting, effective, masked, toml_value

__all__ = ["Config", "Setting", "effective", "is_trial", "load_config", "masked", "site_of", "toml_value"]
