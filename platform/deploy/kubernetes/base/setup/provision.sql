-- One role and one database per service; nobody enters another's database. The same as stormglass/runtime/provision.py, for
-- a Postgres that may not be ours: safe to repeat, and no superuser is needed where the administrator may create roles and
-- databases.

\set users_password `cat /run/secrets/users`
\set products_password `cat /run/secrets/products`
\set orders_password `cat /run/secrets/orders`
\set worker_password `cat /run/secrets/worker`

-- A statement that fails is logged with its text otherwise, and these hold passwords. Only a superuser may say so.
SELECT 'SET log_min_error_statement = panic' FROM pg_roles WHERE rolname = current_user AND rolsuper \gexec

CREATE TEMPORARY TABLE wanted (role name, password text, enters name[]);
INSERT INTO wanted VALUES
    ('users', :'users_password', '{users}'),
    ('products', :'products_password', '{products}'),
    ('orders', :'orders_password', '{orders}'),
    ('worker', :'worker_password', '{worker,orders}');

SELECT format('%s ROLE %I LOGIN PASSWORD %L', CASE WHEN rolname IS NULL THEN 'CREATE' ELSE 'ALTER' END, role, password)
FROM wanted LEFT JOIN pg_roles ON rolname = role \gexec

-- who is no superuser may give a database away only to a role that it is a member of
SELECT format('GRANT %I TO CURRENT_USER', role)
FROM wanted WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \gexec

SELECT format('CREATE DATABASE %I OWNER %I', role, role)
FROM wanted WHERE role NOT IN (SELECT datname FROM pg_database) \gexec

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', role) FROM wanted \gexec

SELECT format('GRANT CONNECT ON DATABASE %I TO %I', entered, role) FROM wanted, unnest(enters) AS entered \gexec
