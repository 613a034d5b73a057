"""The systemd units that `publisher init --systemd` writes: a service that runs by itself, or a timer that ticks."""

from __future__ import annotations

import sys
from pathlib import Path

_HARDENING = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={folder}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=
UMask=0022
"""

_SERVICE = """\
# publisher runs by itself. Install (as root), with User= set to the owner of {folder}:
#   cp {folder}/systemd/publisher.service /etc/systemd/system/
#   systemctl daemon-reload && systemctl enable --now publisher
# See what it says: journalctl -u publisher
# A password for SMTP: put PUBLISHER_MAIL__PASSWORD=… into {folder}/publisher.env, mode 0600.
[Unit]
Description=publisher: {name}
After=network-online.target time-sync.target
Wants=network-online.target

[Service]
Type=exec
User={user}
WorkingDirectory={folder}
EnvironmentFile=-{folder}/publisher.env
ExecStart={command} serve
ExecReload=kill -HUP $MAINPID
Restart=always
RestartSec=10
# One SIGTERM, up to 30 s to finish what is on its way.
KillMode=mixed
TimeoutStopSec=40
{hardening}
[Install]
WantedBy=multi-user.target
"""

_TICK = """\
# One beat of the clock, called by publisher-tick.timer: the way without a process that runs all day.
# Use either this timer or publisher.service. Install (as root), with User= set to the owner of {folder}:
#   cp {folder}/systemd/publisher-tick.* /etc/systemd/system/
#   systemctl daemon-reload && systemctl enable --now publisher-tick.timer
[Unit]
Description=publisher: one tick of {name}
After=network-online.target time-sync.target
Wants=network-online.target

[Service]
Type=oneshot
User={user}
WorkingDirectory={folder}
EnvironmentFile=-{folder}/publisher.env
ExecStart={command} tick -q
# 3: documents were refused, 4: mail waits. publisher status says more; the next tick goes on.
SuccessExitStatus=3 4
{hardening}"""

_TIMER = """\
# Calls publisher-tick.service every two minutes, and at once after the machine was off.
[Unit]
Description=publisher: the clock of {name}

[Timer]
OnCalendar=*:0/2
Persistent=true
AccuracySec=10s

[Install]
WantedBy=timers.target
"""


def units(folder: Path) -> dict[str, bytes]:
    """File name → unit, for a site in this (absolute) folder, run by whoever runs us now."""
    import getpass

    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "publisher"
    facts = {"folder": folder, "name": folder.name, "user": user, "command": _command()}
    hardening = _HARDENING.format(**facts)
    return {
        "publisher.service": _SERVICE.format(**facts, hardening=hardening).encode(),
        "publisher-tick.service": _TICK.format(**facts, hardening=hardening).encode(),
        "publisher-tick.timer": _TIMER.format(**facts).encode(),
    }


def _command() -> str:
    """How systemd calls us: the full path, as units demand."""
    beside = Path(sys.executable).with_name("publisher")
    return str(beside) if beside.exists() else f"{sys.executable} -m publisher"
