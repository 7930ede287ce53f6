# The service as an image, for CPUs (the default) or NVIDIA's GPUs:
#
#     docker build --target cpu --tag sightline:cpu .
#     docker build --target gpu --tag sightline:gpu .
#
# docs/service.md says how to run it; benchmarks/image.py runs these very lines without Docker.
ARG DEBIAN=debian:bookworm-slim
# onnxruntime-gpu 1.31 is built for CUDA 13 and cuDNN 9.
ARG CUDA=nvidia/cuda:13.0.2-cudnn-runtime-ubuntu24.04

# The page: whatever it is built with stays here.
FROM ${DEBIAN} AS page
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 python3 python3-venv
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/page
RUN /opt/page/bin/pip install --no-cache-dir --constraint constraints.txt '.[service]'
RUN /opt/page/bin/python service/web/build.py

FROM ${CUDA} AS gpu-base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/*

FROM gpu-base AS gpu-build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
WORKDIR /src
COPY . .
COPY --from=page /src/service/page/built service/page/built
RUN python3 -m venv /opt/sightline
RUN /opt/sightline/bin/pip install --no-cache-dir --constraint constraints.txt '.[service,telemetry]'
# Both packages bring the module onnxruntime: the one for CPUs has to go first.
RUN /opt/sightline/bin/pip uninstall --yes onnxruntime
RUN /opt/sightline/bin/pip install --no-cache-dir --no-deps 'onnxruntime-gpu==1.31.1'
RUN ln -s "$(/opt/sightline/bin/python -I -c 'from sightline.demo import CLIP; print(CLIP)')" /opt/sightline/demo.mp4

FROM gpu-base AS gpu
COPY --from=gpu-build /opt/sightline /opt/sightline
COPY configs/service/container.yaml /etc/sightline/service.yaml
COPY configs/service/demo.yaml /etc/sightline/demo.yaml
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/sightline sightline
ENV HOME=/var/lib/sightline \
    PYTHONDONTWRITEBYTECODE=1 \
    SIGHTLINE__SERVER__HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/sightline
VOLUME /var/lib/sightline
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=180s --interval=15s --timeout=5s --retries=4 \
    CMD ["/opt/sightline/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["/opt/sightline/bin/sightline"]
CMD ["serve", "--config", "/etc/sightline/service.yaml"]

FROM ${DEBIAN} AS cpu-base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 python3 \
 && rm -rf /var/lib/apt/lists/*

FROM cpu-base AS cpu-build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
WORKDIR /src
COPY . .
COPY --from=page /src/service/page/built service/page/built
RUN python3 -m venv /opt/sightline
RUN /opt/sightline/bin/pip install --no-cache-dir --constraint constraints.txt '.[service,telemetry]'
RUN ln -s "$(/opt/sightline/bin/python -I -c 'from sightline.demo import CLIP; print(CLIP)')" /opt/sightline/demo.mp4

# A node of a Ray cluster, and the service on one.
FROM cpu-build AS cluster-build
RUN /opt/sightline/bin/pip install --no-cache-dir --constraint constraints.txt '.[service,telemetry,cluster]'

FROM cpu-base AS cluster
COPY --from=cluster-build /opt/sightline /opt/sightline
COPY configs/service/container.yaml /etc/sightline/service.yaml
COPY configs/service/demo.yaml /etc/sightline/demo.yaml
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/sightline sightline
ENV HOME=/var/lib/sightline \
    PYTHONDONTWRITEBYTECODE=1 \
    SIGHTLINE__SERVER__HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/sightline
VOLUME /var/lib/sightline
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=180s --interval=15s --timeout=5s --retries=4 \
    CMD ["/opt/sightline/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["/opt/sightline/bin/sightline"]
CMD ["serve", "--config", "/etc/sightline/service.yaml"]

# The last stage is what is built where no target is named.
FROM cpu-base AS cpu
COPY --from=cpu-build /opt/sightline /opt/sightline
COPY configs/service/container.yaml /etc/sightline/service.yaml
COPY configs/service/demo.yaml /etc/sightline/demo.yaml
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/sightline sightline
ENV HOME=/var/lib/sightline \
    PYTHONDONTWRITEBYTECODE=1 \
    SIGHTLINE__SERVER__HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/sightline
VOLUME /var/lib/sightline
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=180s --interval=15s --timeout=5s --retries=4 \
    CMD ["/opt/sightline/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["/opt/sightline/bin/sightline"]
CMD ["serve", "--config", "/etc/sightline/service.yaml"]
