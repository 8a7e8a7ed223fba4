# Run by sh in the set-up's first container. The password is in this process' environment only, never in a manifest.
set -eu
PGPASSWORD=$(cat /run/secrets/superuser_password)
export PGPASSWORD
exec psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --file=/etc/setup/provision.sql
