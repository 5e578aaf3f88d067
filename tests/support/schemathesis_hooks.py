"""What schemathesis may make up here, beyond what the document tells it.

Values that would lead the node to other machines lead to this one: peers to a closed port, inputs
to publishers. Changes that would end the test are left out, such as other passwords.
"""

import re

import schemathesis

CLOSED = "http://127.0.0.1:9"
THERE = {
    "/cluster/peers/": "south",
    "/templates/": "studio",
    "/vods/": "movies",
    "/streams/": "film",
    "/api/stream_health/": "film",
}


def is_web(value):
    return isinstance(value, str) and re.match(r"https?://", value.strip(), re.IGNORECASE)


def is_plain(value):
    return isinstance(value, str) and value and not re.search("[\x00-\x1f\x7f-\x9f]", value)


def tame_peer(peer):
    for field in ("api_url", "private_payload_url"):
        if is_web(peer.get(field)):
            peer[field] = CLOSED
    # Without it the node would ask the host that the peer is named after.
    if peer.get("api_url") is None:
        peer["api_url"] = CLOSED


def tame_stream(stream):
    for one in objects(stream.get("inputs")):
        if is_plain(one.get("url")):
            one["url"] = "publish://"
    # Words that are refused whatever they say.
    if is_web(stream.get("on_play")):
        stream.pop("on_play")
    if isinstance(stream.get("cluster_ingest"), dict):
        stream.pop("cluster_ingest")


def objects(items):
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def tame_config(config):
    """What is wrong stays in: it has to be refused."""
    for field in ("edit_auth", "view_auth"):
        user = config.get(field, ())
        if user is None or (isinstance(user, dict) and {"login", "password"} <= set(user)):
            config.pop(field)
    if config.get("$reset") is True:
        config.pop("$reset")
    for field in ("peers", "streams", "templates"):
        if config.get(field, ()) is None:
            config.pop(field)
    for peer in objects(config.get("peers")):
        tame_peer(peer)
    for stream in objects(config.get("streams")) + objects(config.get("templates")):
        tame_stream(stream)


def tame(path, body):
    if not isinstance(body, dict):
        return
    if path.startswith("/cluster/peers/"):
        tame_peer(body)
    elif path.startswith(("/streams/", "/templates/")):
        tame_stream(body)
    elif path == "/config":
        tame_config(body)


def name_what_is_there(case):
    """Half of the requests are for what is there; none takes that away."""
    parameters = case.path_parameters or {}
    for path, there in THERE.items():
        for parameter, name in parameters.items() if case.path.startswith(path) else ():
            if case.method == "DELETE" and name == there:
                parameters[parameter] = "gone"
            elif case.method != "DELETE" and isinstance(name, str) and len(name) % 2:
                parameters[parameter] = there


def let_through(case):
    """Few tags are right by chance: most requests do without."""
    for header in ("If-Match", "If-None-Match"):
        if case.headers and len(str(case.headers.get(header, ""))) % 4:
            case.headers.pop(header, None)


def prepare(case):
    tame(case.path, case.body)
    name_what_is_there(case)
    let_through(case)
    return case


@schemathesis.hook
def map_case(context, case):
    return prepare(case)


@schemathesis.hook
def before_call(context, case, kwargs):
    # Cases that are made of the schema step by step are not mapped.
    prepare(case)
