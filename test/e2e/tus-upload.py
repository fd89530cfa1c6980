"""Uploads each file named on the command line by tuspy, whatever cuts it off, and prints the upload's URL.

usage: tus-upload.py ENDPOINT CHUNK_BYTES (checksum|plain) FILE...
"""

import sys

from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

TRIES = 2000


def upload(client, path, chunk_bytes, is_checked):
    url = None
    for _ in range(TRIES):
        try:
            uploader = client.uploader(path, chunk_size=chunk_bytes, retries=50, retry_delay=0, url=url,
                                       upload_checksum=is_checked, metadata={'filename': 'by tuspy.bin'})
            if url is None:
                url = uploader.create_url()
                uploader.set_url(url)
                uploader.offset = 0
            uploader.upload()
            return url
        except (TusCommunicationError, TusUploadFailed) as error:
            if error.status_code is not None and 400 <= error.status_code < 500 and error.status_code not in (409, 423):
                raise
    raise SystemExit(f'{path} was not uploaded in {TRIES} tries')


endpoint, chunk_bytes, mode, *paths = sys.argv[1:]
for path in paths:
    print(upload(TusClient(endpoint), path, int(chunk_bytes), mode == 'checksum'), flush=True)
