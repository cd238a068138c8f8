# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Workloads: Debian's daemons and a container of podman, each with the work that it does. For the workload NAME ('_' for '-') there are
#
#       prepare_NAME            what it needs on this host, once, before its first start
#       work_NAME PREFIX        its ordinary work, from its start on: it serves, is told to reload, has its logs rotated; each step is a result
#       stop_NAME               it ends in good order
#
# and in $units[NAME] its unit, empty for the container. Source it after policy.sh.

declare -A units=([nginx]=nginx.service [redis]=redis-server.service [postgresql]=postgresql@15-main.service [sshd]=ssh.service [cron]=cron.service
        [systemd-resolved]=systemd-resolved.service [web-containers]="")

# ---- nginx: pages, a proxy, TLS, reload, rotated logs, restart -----------------------------------------------------------------

site=/etc/nginx/sites-enabled/site
get() { curl -fsSk -o /dev/null "$@"; }

prepare_nginx() {
        mkdir -p /var/www/html
        head -c 300000 /dev/zero >/var/www/html/large
        echo page >/var/www/html/index.html
        rm -f /etc/nginx/sites-enabled/*
        cat >$site <<'T'
server { listen 80; listen [::]:80; root /var/www/html; location /proxy/ { proxy_pass http://127.0.0.1:81/; } location /leak { alias /etc/; } }
server { listen 127.0.0.1:81; root /var/www/html; }
server { listen 443 ssl; root /var/www/html; ssl_certificate /etc/ssl/certs/ssl-cert-snakeoil.pem; ssl_certificate_key /etc/ssl/private/ssl-cert-snakeoil.key; }
T
}
work_nginx() {
        succeeds "$1/start" systemctl restart nginx
        succeeds "$1/serve" get http://127.0.0.1/ http://127.0.0.1/large http://127.0.0.1/proxy/large
        succeeds "$1/serve-tls" get https://127.0.0.1/large
        expect "$1/not-there" 404 curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1/none
        succeeds "$1/reload" systemctl reload nginx
        # As logrotate(8) has it done
        mv /var/log/nginx/access.log /var/log/nginx/access.log.1
        systemctl kill -s USR1 --kill-whom=main nginx
        succeeds "$1/rotated" wait_for 10 test -e /var/log/nginx/access.log
        sleep 0.3
        succeeds "$1/serve-again" get "http://[::1]/"
        succeeds "$1/logs" wait_for 10 grep -q 'GET / ' /var/log/nginx/access.log
}
stop_nginx() { systemctl stop nginx; }

# ---- redis: values, snapshots, the append-only file, its configuration -----------------------------------------------------------

redis() { printf '%s\n' "$@" | redis-cli 2>&1; }

prepare_redis() {
        # What Debian's redis would refuse by itself
        printf 'enable-protected-configs yes\nenable-module-command yes\n' >>/etc/redis/redis.conf
        install -d -o redis -g redis /var/lib/redis/.ssh
}
work_redis() {
        succeeds "$1/start" systemctl restart redis-server
        says "$1/set" '^OK$' redis "set key $1" "rpush list 1 2 3" "expire list 100"
        says "$1/script" '^1$' redis "eval \"return redis.call('lindex', 'list', 0)\" 0"
        says "$1/bgsave" started redis bgsave
        succeeds "$1/saved" wait_for 10 eval 'redis "info persistence" | grep -q rdb_bgsave_in_progress:0'
        says "$1/save-status" 'rdb_last_bgsave_status:ok' redis "info persistence"
        says "$1/aof" '^OK$' redis "config set appendonly yes"
        succeeds "$1/aof-made" wait_for 10 eval 'redis "info persistence" | grep -q aof_rewrite_in_progress:0'
        redis "set key2 $1" bgrewriteaof >"$scratch/out"
        succeeds "$1/aof-rewritten" wait_for 10 eval 'redis "info persistence" | grep -q aof_rewrite_in_progress:0'
        says "$1/aof-status" 'aof_last_bgrewrite_status:ok' redis "info persistence"
        says "$1/rewrite" '^OK$' redis "config rewrite"
        succeeds "$1/restart" systemctl restart redis-server
        says "$1/kept" "$1" redis "get key2"
        says "$1/logs" 'Ready to accept' tail /var/log/redis/redis-server.log
}
stop_redis() { systemctl stop redis-server; }

# ---- PostgreSQL: by its socket and over TCP, parallel and sorted on disk, COPY, VACUUM, reload, restart --------------------------

db() { # DATABASE: the statements on standard input, as the superuser
        (cd / && setpriv --reuid postgres --regid postgres --init-groups psql -qAt -v ON_ERROR_STOP=1 "$@" 2>&1)
}
prepare_postgresql() {
        cat >>/etc/postgresql/15/main/postgresql.conf <<'T'
fsync = off
T
        install -d -o postgres -g postgres -m 700 /var/lib/postgresql/.ssh
        install -o postgres -m 755 $progs/preload.so /var/lib/postgresql/15/main/library.so
}
work_postgresql() {
        succeeds "$1/start" systemctl restart postgresql@15-main
        succeeds "$1/create" db <<'T'
drop database if exists app; drop role if exists app;
create role app login password 'word';
create database app owner app;
T
        says "$1/tcp" '^5000 4999$' env PGPASSWORD=word psql -qAt -F ' ' -v ON_ERROR_STOP=1 -h 127.0.0.1 -U app app <<'T'
create table t (a int primary key, b text);
insert into t select n, repeat('x', 200) from generate_series(0, 4999) n;
set work_mem = '64kB';
set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
create temp table s as select * from t order by b, a;
copy t to stdout \g /dev/null
select count(*), max(a) from t;
T
        says "$1/work" '^4000$' db app <<T
create extension pgcrypto;
select length(digest('x', 'sha256'));
copy t to '/var/lib/postgresql/15/main/copy';
delete from t where a < 1000;
copy t (a) to stdout \g /dev/null
select count(*) from t;
create table u (like t); copy u from '/var/lib/postgresql/15/main/copy';
alter system set log_min_duration_statement = 0;
select pg_switch_wal();
checkpoint;
vacuum full analyze t;
T
        succeeds "$1/reload" systemctl reload postgresql@15-main
        says "$1/kept" '^4000$' db app -c 'select count(*) from t'
        succeeds "$1/logs" grep -q 'select count' /var/log/postgresql/postgresql-15-main.log
}
stop_postgresql() { systemctl stop postgresql@15-main; }

# ---- sshd: commands, files, a refused login ------------------------------------------------------------------------------------

key=/run/key
as() { # USER COMMAND...: log in and run it
        ssh -q -i $key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$1@127.0.0.1" "${@:2}" 2>&1
}
files() { # sftp's commands on standard input
        sftp -q -i $key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -b - user@127.0.0.1 2>&1
}

session_of_root() { as root cat /proc/self/cgroup | grep -q '^0::/user.slice/user-0.slice/session-[0-9]*.scope$'; }

prepare_sshd() {
        ssh-keygen -q -t ed25519 -N '' -f $key
        install -d -m 700 /root/.ssh
        install -d -m 700 -o user -g user /home/user/.ssh
        install -m 600 $key.pub /root/.ssh/authorized_keys
        install -m 600 -o user -g user $key.pub /home/user/.ssh/authorized_keys
        install -m 755 $progs/attempt /usr/local/bin/attempt
        install -m 755 $progs/attempt /var/tmp/tool
}
work_sshd() {
        succeeds "$1/start" systemctl restart ssh
        says "$1/session" '^0::/user.slice/user-1000.slice/session-[0-9]*.scope$' as user cat /proc/self/cgroup
        says "$1/files" '^sftp> rename' files <<T
put /etc/os-release copy
get copy /run/copy
rename copy moved
rm moved
T
        says "$1/came-back" '^ID=debian' cat /run/copy
        says "$1/wrong-key" 'Permission denied' ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null auditor@127.0.0.1 true
        succeeds "$1/reload" systemctl reload ssh
        succeeds "$1/root" until_true 20 session_of_root
}
stop_sshd() { systemctl stop ssh; }

# ---- cron: root's jobs and a user's ------------------------------------------------------------------------------------------------

prepare_cron() {
        printf '#!/bin/sh\necho executed >/run/evil\n' >/var/tmp/evil
        chmod 755 /var/tmp/evil
        cat >/etc/cron.d/case <<'T'
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
@reboot root (tar -cf /var/backups/etc.tar /etc/cron.d && logger job && date && nice -n 5 run-parts --test /etc/cron.daily && echo all) >/run/job 2>&1
* * * * * root date >>/run/minutes
T
        printf '@reboot id -un >$HOME/job\n' | crontab -u user -
}
work_cron() { # cron runs what is @reboot at its first start
        rm -f /run/job /home/user/job /run/crond.reboot
        succeeds "$1/start" systemctl restart cron
        succeeds "$1/root-job" wait_for 10 grep -q '^all' /run/job
        succeeds "$1/user-job" wait_for 10 grep -qx user /home/user/job
}
stop_cron() { systemctl stop cron; }

# ---- systemd-resolved: names of a server's, of /etc/hosts, and its own; by its stub; its cache -----------------------------------------

prepare_systemd_resolved() {
        mkdir -p /etc/systemd/resolved.conf.d
        printf '[Resolve]\nDNS=127.0.0.2\nDomains=~.\nDNSSEC=no\n' >/etc/systemd/resolved.conf.d/case.conf
        systemd-run -q --unit=case-dns dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --listen-address=127.0.0.2 \
                --bind-interfaces --address=/name.test/192.0.2.7
        ip link add case type dummy
        ip address add 203.0.113.1/24 dev case
        ip link set case up
        echo 198.51.100.9 local.test >>/etc/hosts
}
work_systemd_resolved() {
        succeeds "$1/start" systemctl restart systemd-resolved
        says "$1/server" '192.0.2.7' resolvectl query name.test
        says "$1/hosts" '198.51.100.9' resolvectl query local.test
        says "$1/own" '127.0.0.1' resolvectl query localhost
        says "$1/not-there" 'not found' resolvectl query nothing.invalid
        succeeds "$1/flush" resolvectl flush-caches
        says "$1/statistics" 'Current Cache Size' resolvectl statistics
        echo nameserver 127.0.0.53 >/etc/resolv.conf
        says "$1/stub" '192.0.2.7' getent hosts name.test
        : >/etc/resolv.conf
}
stop_systemd_resolved() { systemctl stop systemd-resolved; }

# ---- podman: start, execute, logs, health, copy, stop, restart -----------------------------------------------------------------------

prepare_web_containers() {
        local machine=/var/lib/machines/case
        cp -a /var/lib/machines/bb $machine
        cp $progs/attempt $machine/bin/
        mkdir -p $machine/srv/www
        echo page >$machine/srv/www/index.html
        tar -C $machine -cf /run/case.tar .
        podman import -q /run/case.tar case >/dev/null 2>&1
        rm /run/case.tar
}
work_web_containers() {
        succeeds "$1/run" podman run -d --name web-1 --network=none --health-cmd 'wget -q -O - http://127.0.0.1:8080/' --health-interval=disable \
                case httpd -f -v -p 8080 -h /srv/www
        expect "$1/exec" page podman exec web-1 wget -q -O - http://127.0.0.1:8080/index.html
        succeeds "$1/health" podman healthcheck run web-1
        says "$1/logs" 'response:200' podman logs web-1
        succeeds "$1/stop" podman stop -t 1 web-1
        succeeds "$1/remove" podman rm web-1
}
stop_web_containers() { ! podman container exists web-1 || podman rm -f -t 1 web-1 >/dev/null 2>&1; }
