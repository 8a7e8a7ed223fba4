# Run by sh. Redis takes a password from its configuration only; on its command line everybody could read it.
set -eu
umask 077
{ cat /etc/redis/redis.conf; printf 'requirepass %s\n' "$(cat /run/secrets/password)"; } > /run/redis/redis.conf
exec redis-server /run/redis/redis.conf
