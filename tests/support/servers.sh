# Starts and stops the throw-away PostgreSQL, and makes the test certificates. Sourced by scripts/test.
#
# Kannel and the mail server are started by the tests themselves, each test its own, so that one
# test can break its gateway without another noticing.

state=""

start_servers() {
    state="$(mktemp -d "${TMPDIR:-/tmp}/muster-test.XXXXXX")"
    chmod 755 "$state"
    # Whatever a killed test leaves behind goes when the rest goes.
    mkdir "$state/tmp"
    export TMPDIR="$state/tmp"
    make_certificates
    start_postgres
}

# A small authority and a server certificate for 127.0.0.1 and localhost: clients must check them.
make_certificates() {
    export MUSTER_TEST_CERTIFICATES="$state/certificates"
    mkdir "$MUSTER_TEST_CERTIFICATES"
    (
        cd "$MUSTER_TEST_CERTIFICATES"
        key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
        openssl req -x509 "${key[@]}" -keyout ca.key -out ca.pem -days 2 -subj "/CN=Muster test authority" \
            -addext "keyUsage=critical,keyCertSign,cRLSign"
        openssl req -new "${key[@]}" -keyout server.key -out server.csr -subj "/CN=localhost"
        # rustls refuses an authority's certificate as a server's, so this one says it is none.
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 2 -out server.pem \
            -extfile <(printf '%s\n' "basicConstraints=critical,CA:FALSE" \
                "subjectAltName=DNS:localhost,IP:127.0.0.1" "extendedKeyUsage=serverAuth")
    ) 2>"$state/openssl.log" || { cat "$state/openssl.log" >&2; fail "openssl could not make the test certificates"; }
}

# Below the range that outgoing connections take their ports from, so that none is in the way.
free_port() {
    python3 -c '
import random, socket
while True:
    port = random.randrange(20000, 32000)
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break'
}

# PostgreSQL refuses to run as root: there it runs as the user its package made.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

start_postgres() {
    local programs port
    programs="$(postgres_programs)"
    postgres="$state/postgres"
    mkdir "$postgres"
    [ "$(id -u)" != 0 ] || chown postgres "$postgres"
    as_postgres "$programs/initdb" -D "$postgres/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
        --no-sync >"$state/initdb.log" 2>&1 || { cat "$state/initdb.log" >&2; fail "PostgreSQL's initdb failed"; }
    for _ in 1 2 3; do
        port="$(free_port)"
        # Durability is switched off: these databases live for minutes.
        if as_postgres "$programs/pg_ctl" -D "$postgres/data" -w -t 60 -l "$postgres/log" -o "-p $port \
            -c listen_addresses=127.0.0.1 -c unix_socket_directories=$postgres -c max_connections=300 \
            -c fsync=off -c full_page_writes=off -c shared_buffers=64MB" start >/dev/null; then
            export MUSTER_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
            return
        fi
    done
    tail -n 20 "$postgres/log" >&2
    fail "the throw-away PostgreSQL did not start; its log is above"
}

stop_servers() {
    [ -n "$state" ] || return 0
    local pid_file="$state/postgres/data/postmaster.pid" pid
    if [ -e "$pid_file" ]; then
        pid="$(head -n 1 "$pid_file")"
        # At once: nobody needs what is in it.
        kill -QUIT "$pid" 2>/dev/null || true
        for _ in $(seq 100); do
            [ -e "$pid_file" ] || break
            sleep 0.1
        done
    fi
    rm -rf "$state"
}

print_exports() {
    local name
    for name in $(compgen -e MUSTER_TEST_ | sort); do
        printf 'export %s=%q\n' "$name" "${!name}"
    done
}
