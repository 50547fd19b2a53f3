"""A Hugging Face hub on the loopback interface, as small as huggingface_hub's download functions allow."""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS = re.compile(
    r"/(?P<api>api/)?(?P<kind>models/|datasets/)?(?P<repo>[^/]+/[^/]+)/(?:revision|resolve)/(?P<rest>.+)"
)


@contextlib.contextmanager
def fake_hub(repositories: Mapping[str, Mapping[str, bytes]]) -> Iterator[str]:
    """Serve repositories ("models/google/flan-t5-small": {file: content}) and give the hub's address.

    Each has the branch main and one commit, the SHA-1 of its content. Two kinds of request are understood:
    what a repository holds (/api/…/revision/…) and one of its files (/…/resolve/…/file).
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = ADDRESS.fullmatch(self.path.split("?")[0])
            if not found:
                return self.answer(404, b"")
            name = f"{found['kind'] or 'models/'}{found['repo']}"
            if name not in repositories:
                return self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            files = repositories[name]
            commit = hashlib.sha1(b"".join(files.values())).hexdigest()
            revision, _, file = found["rest"].partition("/")
            if revision not in ("main", commit):
                return self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            if found["api"]:
                siblings = [{"rfilename": file, "size": len(content)} for file, content in files.items()]
                return self.answer(200, json.dumps({"id": found["repo"], "sha": commit, "siblings": siblings}).encode())
            if file not in files:
                return self.answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            tag = hashlib.sha1(files[file]).hexdigest()
            return self.answer(200, files[file], {"ETag": f'"{tag}"', "X-Repo-Commit": commit})

        do_HEAD = do_GET

        def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
