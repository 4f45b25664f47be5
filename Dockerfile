# Web, worker and beat of docker-compose.yml. Not built where it was written: see docs/operations.md.
FROM python:3.12-slim

ENV PYTHONUTF8=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 DATA_DIR=/data
WORKDIR /app
COPY requirements.lock package.json package-lock.json .npmrc ./
COPY tools ./tools
# The same installers as `make install`: locked Python packages, then the front-end packages with Node.js from its wheel.
RUN python tools/install.py && NODE_FROM_WHEEL=1 python tools/assets.py && rm -rf .venv/node /root/.npm
COPY . .
RUN useradd --system --create-home --uid 10001 scrm && mkdir /data && chown scrm:scrm /data
USER scrm
ENV PATH=/app/.venv/bin:$PATH
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "scrm.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--worker-class", "gthread", "--threads", "8", "--timeout", "180", "--no-control-socket"]
