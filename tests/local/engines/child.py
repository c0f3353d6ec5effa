"""A task process for tests: runs snippets that arrive as JSON lines and answers with what they leave
in `result`.
"""

import contextlib
import io
import json
import sys
import types

package = types.ModuleType("bundlekit")
package.__path__ = [sys.argv[1]]
sys.modules["bundlekit"] = package

from bundlekit.local.engines import session  # noqa: E402

session.install()
for line in sys.stdin:
    names = {"session": session}
    talk = io.StringIO()
    try:
        with contextlib.redirect_stdout(talk), contextlib.redirect_stderr(talk):
            names["spark"] = session.make_session()
            exec(json.loads(line), names)
        answer = {"result": names.get("result"), "talk": talk.getvalue()}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}", "talk": talk.getvalue()}
    print(json.dumps(answer, default=str), flush=True)
