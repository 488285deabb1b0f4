# SPDX-License-Identifier: GPL-2.0
"""Sphinx's configuration; scripts/build-docs runs Sphinx on a copy of the pages.

The pages link to each other's sources, so that they can be read where they are. Here such
links become links to the HTML pages; one that leads nowhere is a warning.
"""

import logging as python_logging
import os
import posixpath
import re
import sys

from docutils import nodes
from sphinx.util import logging

# As scripts/build-docs sets them: a kernel tree, for its kernel-doc, and the checkout.
sys.path.insert(0, os.path.join(os.environ["srctree"], "Documentation/sphinx"))
TOP = os.environ["LUOSDK_TOP"]

project = "luosdk"
author = copyright = "the luosdk authors"
extensions = ["kerneldoc", "sphinx.ext.graphviz"]
root_doc = "docs/index"
exclude_patterns = ["**/conf.py"]
kerneldoc_srctree = TOP
graphviz_output_format = "svg"
highlight_language = "none"
primary_domain = "c"
html_theme = "alabaster"
html_theme_options = {"description": "live update file handlers for Linux", "page_width": "70em"}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_copy_source = False
html_show_copyright = False

logger = logging.getLogger(__name__)


class SameNames(python_logging.Filter):
    """To C a struct and a function of one name are two things, to Sphinx one twice."""

    def filter(self, record):
        words = str(record.msg)
        return not re.search(r"^Duplicate C declaration(?s:.*)Declaration is '\.\. "
                             r"c:function:: .*?(\w+) \(.*\bstruct \1\b", words)


def mend_links(app, doctree):
    here = posixpath.dirname(app.env.docname)
    for node in list(doctree.findall(nodes.reference)):
        uri = node.get("refuri", "")
        path, _, fragment = uri.partition("#")
        if not path or ":" in path:
            continue
        path = posixpath.normpath(posixpath.join(here, path))
        page = path[:-len(".rst")] if path.endswith(".rst") else None
        if page in app.env.found_docs:
            node["refuri"] = posixpath.relpath(page, here or ".") + ".html" \
                + (f"#{fragment}" if fragment else "")
        elif os.path.exists(os.path.join(TOP, path)):
            node.replace_self(node.children)        # it is only in the checkout
        else:
            logger.warning("the link to '%s' leads nowhere", uri, location=node)


def setup(app):
    app.connect("doctree-read", mend_links)
    for handler in python_logging.getLogger("sphinx").handlers:
        handler.filters.insert(0, SameNames())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
