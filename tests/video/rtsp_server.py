"""A real RTSP server (GStreamer) for the tests; run by the system's Python in a child process.

    /usr/bin/python3 rtsp_server.py PORT none|basic|digest USER PASSWORD NAME=CLIP.mp4 …

Serves each clip (H.264 in MP4) at /NAME on the loopback; port 0 takes a free one. Prints the port
once it listens. Debian: gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good
gstreamer1.0-plugins-bad.
"""

from __future__ import annotations

import sys


def main(port: str, authentication: str, user: str, password: str, *mounts: str) -> None:
    import gi  # type: ignore[import-not-found]

    for name in ("Gst", "GstRtsp", "GstRtspServer"):
        gi.require_version(name, "1.0")
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    permissions = GstRtspServer.RTSPPermissions()
    for action in ("access", "construct"):
        permissions.add_permission_for_role("viewer", f"media.factory.{action}", True)
    for mount in mounts:
        name, _, clip = mount.partition("=")
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            f'( filesrc location="{clip}" ! qtdemux ! h264parse config-interval=-1 '
            "! rtph264pay name=pay0 pt=96 )"
        )
        if authentication != "none":
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if authentication != "none":
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth = GstRtspServer.RTSPAuth()
        if authentication == "basic":
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        else:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(user, password, token)
        server.set_auth(auth)
    if not server.attach(None):
        sys.exit(f"port {port} cannot be listened on")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
