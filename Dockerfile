# The image of every service that runs this project: Airflow's components, the first installation, the operator's commands.
FROM python:3.11-slim-bookworm AS dependencies
# a mirror of the package index, where the public one cannot be reached
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_NO_CACHE=1 UV_NATIVE_TLS=1 UV_HTTP_TIMEOUT=120 UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY requirements-bootstrap.txt requirements.txt requirements-deploy.txt ./
RUN python -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements-bootstrap.txt \
 && /opt/venv/bin/uv pip install --quiet --python /opt/venv/bin/python --require-hashes --compile-bytecode -r requirements-deploy.txt

FROM python:3.11-slim-bookworm
# A named volume takes owner and mode from the folder it is laid over.
RUN groupadd --gid 50000 duban && useradd --uid 50000 --gid 50000 --no-create-home --home-dir /var/lib/duban --shell /usr/sbin/nologin duban \
 && for folder in logs inbox outbox outbox/site backups; do \
        install -d -o duban -g duban -m 0700 "/var/lib/duban/$folder"; done \
 && chown duban:duban /var/lib/duban && chmod 0700 /var/lib/duban && chmod 0755 /var/lib/duban/outbox/site
COPY --from=dependencies /opt/venv /opt/venv
WORKDIR /opt/duban
COPY . .
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/duban/dags:/opt/duban PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8 TZ=Asia/Shanghai
RUN python -m compileall -q dags local
USER 50000:50000
CMD ["airflow", "version"]
