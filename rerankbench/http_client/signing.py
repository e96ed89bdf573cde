"""Requests to AWS, which are signed instead of carrying a key (Signature Version 4).

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from rerankbench.http_client.address import read_key

_REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$")
_ALGORITHM = "AWS4-HMAC-SHA256"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKeys:
    """The keys of an AWS account for signing; `token` belongs to temporary keys."""

    access_key_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    region: str
    service: str
    now: Callable[[], datetime] = _now
    variable: str = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.secret_key, self.token, self.access_key_id)))

    def headers(self, url: str, body: bytes) -> Mapping[str, str]:
        """Headers that authenticate exactly this request, for a few minutes."""
        parts = urlsplit(url)
        time = self.now().strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": parts.netloc, "x-amz-date": time}
        if self.token:
            signed["x-amz-security-token"] = self.token
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        path = quote(parts.path or "/", safe="/-_.~")
        request = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{time[:8]}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{time}\n{scope}\n{digest}"
        key = f"AWS4{self.secret_key}".encode()
        for part in scope.split("/"):
            key = _hmac(key, part)
        signature = _hmac(key, text).hex()
        credential = f"Credential={self.access_key_id}/{scope}"
        authorization = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return {
            "Authorization": authorization,
            **{name: value for name, value in signed.items() if name != "host"},
        }


def read_aws_keys(name: str, url: str, service: str) -> AwsKeys | None:
    """The keys in AWS' own variables; None for an address outside AWS, which gets none.

    Raises UsageError if one is missing.
    """
    region = _REGION.search(urlsplit(url).hostname or "")
    if region is None:
        return None
    token = "AWS_SESSION_TOKEN"
    keys = [
        read_key(name, variable).value if variable != token or os.environ.get(token) else ""
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", token)
    ]
    return AwsKeys(
        access_key_id=keys[0],
        secret_key=keys[1],
        token=keys[2],
        region=region[1],
        service=service,
    )


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
