"""A client of nothing but Python's standard library, for the conformance suite.

It waits as long as it is told, tries a few times, and where that is not enough it says so.
"""

import json
import os
import random
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from email.utils import parsedate_to_datetime

ATTEMPTS = 5
BASE_URL = os.environ["BASE_URL"]
seen = set()


def say(**message):
    print(json.dumps(message), flush=True)


def wait_of(headers, attempt):
    value = headers.get("Retry-After") if headers else None
    if value and value.isdigit():
        return int(value)
    if value:
        try:
            now = parsedate_to_datetime(headers["Date"])
            return max(0, (parsedate_to_datetime(value) - now).total_seconds()) + 1
        except (TypeError, ValueError):
            pass
    return 0.1 * 2**attempt * (0.5 + random.random())


def ask(url, data=None, headers=None):
    """Sends a request, and again where it failed for now. Only a write with a key is repeated."""
    for attempt in range(1, ATTEMPTS + 1):
        request = urllib.request.Request(url, data=data, headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return json.loads(response.read()), response.headers
        except urllib.error.HTTPError as error:
            error.read()
            if error.code not in (429, 500, 502, 503, 504) or attempt == ATTEMPTS:
                raise
            time.sleep(wait_of(error.headers, attempt))
        except (OSError, ValueError):
            if attempt == ATTEMPTS:
                raise
            time.sleep(wait_of(None, attempt))


def authorization():
    if not os.environ["TOKEN_URL"]:
        return {}
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["CLIENT_ID"],
        "client_secret": os.environ["CLIENT_SECRET"],
    }
    token, _ = ask(os.environ["TOKEN_URL"], urllib.parse.urlencode(form).encode())
    return {"Authorization": "Bearer " + token["access_token"]}


def pages(resource, pagination, headers):
    url = f"{BASE_URL}/{resource}"
    following, number, offset = url, 1, 0
    while following:
        if not following.startswith(BASE_URL):
            raise ValueError("the next page is said to be elsewhere")
        body, answered = ask(following, headers=headers)
        records = body if isinstance(body, list) else body["data"]
        yield records
        number, offset = number + 1, offset + len(records)
        if pagination == "link":
            match = re.search(r'<([^>]+)>; rel="next"', answered.get("Link", ""))
            following = match and match[1]
        elif pagination == "cursor":
            cursor = body["next_cursor"]
            following = cursor and f"{url}?" + urllib.parse.urlencode({"cursor": cursor})
        elif pagination == "keyset":
            following = body["has_more"] and f"{url}?after_id={records[-1]['id']}"
        elif pagination == "offset":
            following = records and f"{url}?limit=100&offset={offset}"
        else:
            following = records and f"{url}?page={number}"


def read(resource, pagination, headers):
    urls = 0
    for records in pages(resource, pagination, headers):
        urls += 1
        if urls > 500:
            raise ValueError("the listing does not end")
        for record in records:
            if record["id"] not in seen:
                seen.add(record["id"])
                say(type="record", resource=resource, record=record)


def main():
    if os.environ["TASK"] != "list":
        raise ValueError("this client can only list")
    headers = authorization()
    for resource, pagination in zip(os.environ["RESOURCE"].split(","), os.environ["PAGINATION"].split(",")):
        read(resource, pagination, headers)


try:
    main()
    say(type="done", complete=True)
except (OSError, ValueError, KeyError) as error:
    say(type="error", message=f"{type(error).__name__}: {error}")
    say(type="done", complete=False)
    sys.exit(1)
