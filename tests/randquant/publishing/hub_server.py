"""A stand-in of the Hugging Face Hub on this machine: one repository, with the requests that huggingface_hub makes."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


class HubServer(ThreadingHTTPServer):
    """`commits` are the versions of the repository by hash, `branches` point to them."""

    def __init__(self, repository: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repository = repository
        self.commits: dict[str, Files] = {}
        self.branches: dict[str, str] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, files: Files, branch: str = "main") -> str:
        """Add a version."""
        digest = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.commits[digest] = files
        self.branches[branch] = digest
        return digest


@contextmanager
def hub(repository: str) -> Iterator[HubServer]:
    """A running one."""
    with HubServer(repository) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self._path()
        if found := re.fullmatch(rf"/api/models/{self.server.repository}(/revision/(.+))?", path):
            self._about(found[2] or "main")
        elif found := re.fullmatch(rf"/api/models/{self.server.repository}/tree/(\w+)", path):
            files = self.server.commits[found[1]]
            listed = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in files.items()
            ]
            self._json(listed)
        elif found := re.fullmatch(rf"/{self.server.repository}/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[2])
        else:
            self._refuse("RepoNotFound")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        path, body = self._path(), self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/api/repos/create":
            self._json({"url": f"{self.server.url}/{self.server.repository}"})
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            names = [each["path"] for each in json.loads(body)["files"]]
            self._json({"files": [{"path": n, "uploadMode": "regular", "shouldIgnore": False} for n in names]})
        elif "/commit/" in path:
            lines = [json.loads(line) for line in body.splitlines() if line]
            sent = [line["value"] for line in lines if line["key"] == "file"]
            branch = path.rpartition("/")[2]
            before = self.server.commits.get(self.server.branches.get(branch, ""), {})
            files = {**before, **{each["path"]: base64.b64decode(each["content"]) for each in sent}}
            digest = self.server.commit(files, branch)
            self._json(
                {
                    "success": True,
                    "commitOid": digest,
                    "commitUrl": f"{self.server.url}/{self.server.repository}/commit/{digest}",
                }
            )
        elif "/branch/" in path:
            self.server.branches.setdefault(path.rpartition("/")[2], self.server.branches["main"])
            self._json({})
        else:
            self._refuse("RepoNotFound")

    def _path(self) -> str:
        self.server.requests.append(f"{self.command} {self.path}")
        return unquote(urlsplit(self.path).path)

    def _about(self, revision: str) -> None:
        digest = self.server.branches.get(revision, revision)
        if digest not in self.server.commits:
            self._refuse("RevisionNotFound")
            return
        siblings = [{"rfilename": name} for name in self.server.commits[digest]]
        self._json({"id": self.server.repository, "sha": digest, "siblings": siblings, "private": False, "tags": []})

    def _file(self, revision: str, name: str) -> None:
        digest = self.server.branches.get(revision, revision)
        data = self.server.commits[digest].get(name)
        if data is None:
            self._refuse("EntryNotFound")
            return
        self._send(data, {"X-Repo-Commit": digest, "ETag": f'"{hashlib.sha1(data).hexdigest()}"'})

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, code: str) -> None:
        self._send(b"{}", {"X-Error-Code": code, "X-Error-Message": code}, status=404)

    def _send(self, data: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
