"""An RTSP server that is not ours: GStreamer's. Plays one file under /cam, and by UDP only under /udp.

usage: rtsp_server.py PORT h264|h265 FILE [USER PASSWORD]
Prints `ready`; ends with its standard input.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PIPELINE = (
    "( filesrc location={file} ! qtdemux name=d"
    " d.video_0 ! queue ! {codec}parse ! rtp{codec}pay pt=96 config-interval=-1 name=pay0"
    " d.audio_0 ! queue ! aacparse ! rtpmp4gpay pt=97 name=pay1 )"
)


def protect(server, factory, user, password):
    """Asks everyone for `user` and `password`, by digest."""
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, user)
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(user, "media.factory.access", True)
    permissions.add_permission_for_role(user, "media.factory.construct", True)
    factory.set_permissions(permissions)


def main():
    port, codec, path = sys.argv[1:4]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    for place in ("/cam", "/udp"):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(PIPELINE.format(codec=codec, file=path))
        if place == "/udp":
            factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
        if len(sys.argv) > 4:
            protect(server, factory, *sys.argv[4:6])
        server.get_mount_points().add_factory(place, factory)
    server.attach(None)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    print("ready", flush=True)
    loop.run()


main()
