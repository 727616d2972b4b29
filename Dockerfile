# Both programs and what they call, for any user id with group 0; docs/install.md tells the arguments.
ARG BASE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${BASE_IMAGE} AS program
WORKDIR /src
COPY . .
# `npm run image` hands over a bundle: it is the same for every architecture.
RUN test -f migctl.mjs || { npm ci --ignore-scripts && node tools/bundle.ts migctl.mjs; }

FROM ${BASE_IMAGE} AS root
ARG TARGETARCH
USER 0
COPY packaging/prepare-root.sh /tmp/
RUN sh /tmp/prepare-root.sh "${TARGETARCH}" && rm /tmp/prepare-root.sh
COPY --from=program /src/migctl.mjs /src/THIRD-PARTY-NOTICES.txt /src/LICENSE /opt/migctl/
COPY packaging/migmgr /usr/local/bin/migmgr
# The manager's second name is the one that the classic template calls it by.
RUN ln -s /opt/migctl/migctl.mjs /usr/local/bin/migctl \
 && mkdir -p /usr/local/migration && ln -s /usr/local/bin/migmgr /usr/local/migration/migmgr \
 && chmod -R u=rwX,go=rX /opt/migctl && chmod 0755 /opt/migctl/migctl.mjs /usr/local/bin/migmgr

# One layer: what was removed above is really gone.
FROM scratch
ARG VERSION=
COPY --from=root / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp
LABEL org.opencontainers.image.title="migctl" \
      org.opencontainers.image.description="Moves a whole application, files and MongoDB documents, with every id kept" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
WORKDIR /tmp
USER 1001:0
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["migmgr", "--help"]
