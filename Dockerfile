# syntax=docker/dockerfile:1
# One image for every Python process of the platform; which one a container runs is its command.

ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY requirements/build.txt requirements/container.txt requirements/
RUN python -m venv /opt/stormglass \
 && /opt/stormglass/bin/pip install --require-hashes --no-deps -r requirements/container.txt \
 && pip install --require-hashes --no-deps -r requirements/build.txt
# Ours come last: a change of the code leaves the layer above as it is.
COPY pyproject.toml README.md ./
COPY platform/stormglass platform/stormglass
COPY services services
COPY worker worker
COPY chaos chaos
COPY observability observability
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/stormglass/bin/pip install --no-deps dist/*.whl \
 && /opt/stormglass/bin/pip uninstall --yes pip

FROM ${PYTHON}
LABEL org.opencontainers.image.title="stormglass" \
      org.opencontainers.image.description="A complete small backend, built to be watched while it breaks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
# Nothing that installs anything: the environment has lost its pip above, this one is the base image's.
RUN PIP_ROOT_USER_ACTION=ignore python -B -m pip uninstall --yes pip
# Volumes are made with the owner of the directory they are mounted over, so that who writes into one need not be root.
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/stormglass --shell /usr/sbin/nologin stormglass \
 && install -d -o stormglass -g stormglass /var/lib/stormglass /run/secrets \
 && cd /run/secrets && install -d -o stormglass -g stormglass \
    gateway users products orders worker postgres redis postgres-exporter redis-exporter
COPY --from=build /opt/stormglass /opt/stormglass
ENV PATH=/opt/stormglass/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    # glibc may make eight arenas per core otherwise, and the memory limits are narrow
    MALLOC_ARENA_MAX=2
USER 10001:10001
WORKDIR /var/lib/stormglass
# Ready means what `/readyz` says.
HEALTHCHECK --interval=5s --timeout=10s --start-period=60s --start-interval=500ms --retries=3 \
    CMD ["python", "-I", "-m", "stormglass.containers.healthcheck"]
# Exec form: the process is PID 1 and receives SIGTERM itself, drains and ends.
ENTRYPOINT ["python", "-P", "-m"]
CMD ["stormglass.cli.main", "--help"]
