#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 30
#
# The examples that are shipped, on the services that they are for: nginx with a list of what it may do works without a
# denial, and does nothing else.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

violations() { # SINCE: operations and objects that the policy had something to say about
        sleep 1.5
        journalctl -q -b --since "@$1" VARMOR_POLICY=nginx-allow-list -o json |
                jq -r 'select(.VARMOR_ACTION) | "\(.VARMOR_ACTION) \(.VARMOR_OPERATION) \(.VARMOR_OBJECT // "")"' | sort -u
}
work() { # what nginx is there for
        succeeds "$1/start" systemctl start nginx
        succeeds "$1/serve" curl -fsS -o /dev/null http://127.0.0.1/
        succeeds "$1/reload" systemctl reload nginx
        sleep 0.5
        succeeds "$1/serve-again" curl -fsS -o /dev/null http://127.0.0.1/
        succeeds "$1/restart" systemctl restart nginx
        succeeds "$1/serve-after-restart" curl -fsS -o /dev/null http://127.0.0.1/
        succeeds "$1/stop" systemctl stop nginx
}
quiet() { # NAME SINCE
        local said
        said=$(violations "$2")
        if [ -z "$said" ]; then ok "$1"; else not_ok "$1" "${said//$'\n'/; }"; fi
}
inside() { # NAME WANTED COMMAND...: in a process of the unit's cgroup
        local name=$1 wanted=$2
        shift 2
        expect "$name" "$wanted" attempt -c system.slice/nginx.service "$@"
}

systemctl is-active -q nginx && systemctl stop nginx
mkdir -p /srv/www /var/log/nginx /var/lib/nginx /var/www/html
echo page >/var/www/html/index.html
rm -f /etc/nginx/sites-enabled/*
echo 'server { listen 80; listen [::]:80; root /var/www/html; }' >/etc/nginx/sites-enabled/site
cp /usr/share/doc/varmor/examples/nginx-allow-list.yaml "$policies/" 2>/dev/null ||
        cp /mnt/tests/examples/nginx-allow-list.yaml "$policies/"

# --- on trial: everything works, and what nobody allowed is only told -------------------------------------------------
reload trial/load
since=$(date +%s)
work trial
quiet trial/nothing-to-say "$since"
systemctl start nginx
inside trial/other ok read /etc/shadow
if violations "$since" | grep -qx 'ALLOWED open /etc/shadow'; then ok trial/told; else not_ok trial/told "$(violations "$since")"; fi
systemctl stop nginx

# --- in earnest ---------------------------------------------------------------------------------------------------------
sed -i '/allowViolations/d' "$policies/nginx-allow-list.yaml"
reload enforced/load
sleep 1
since=$(date +%s)
work enforced
quiet enforced/nothing-to-say "$since"
systemctl start nginx
inside enforced/page ok read /etc/nginx/nginx.conf
inside enforced/shadow EACCES@read read /etc/shadow
inside enforced/write EACCES@open open /etc/nginx/nginx.conf w
inside enforced/shell EACCES@exec exec /bin/sh -c true
succeeds enforced/still-serves curl -fsS -o /dev/null http://127.0.0.1/
if violations "$since" | grep -qx 'DENIED open /etc/shadow'; then ok enforced/told; else not_ok enforced/told "$(violations "$since")"; fi
unpolicy nginx-allow-list
done_testing
