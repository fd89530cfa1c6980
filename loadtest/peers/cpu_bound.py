"""The five ways of the CPU-bound benchmark on FastAPI, as its document has them: none of them is how to do it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi import BackgroundTasks, FastAPI

LIMIT = 10_000_000
app = FastAPI()
executor = ThreadPoolExecutor()


def by_generator():
    return {"total": sum(i * i for i in range(LIMIT))}


def by_loop():
    total = 0
    for i in range(LIMIT):
        total += i * i
    return {"total": total}


async def with_pauses():
    total = 0
    for i in range(LIMIT):
        total += i * i
        if i % 100_000 == 0:
            await asyncio.sleep(0)
    return {"total": total}


@app.get("/healthz")
async def healthz():
    return {"status": "ok"}


@app.get("/generator")
async def generator():
    return {"data": by_generator()}


@app.get("/cycle")
async def cycle():
    return {"data": by_loop()}


@app.get("/cycle_sleep")
async def cycle_sleep():
    return {"data": await with_pauses()}


@app.get("/thread")
async def thread():
    loop = asyncio.get_running_loop()
    return {"result": await loop.run_in_executor(executor, by_generator)}


@app.get("/background")
async def background(tasks: BackgroundTasks):
    tasks.add_task(by_generator)
    return {"message": "long running task queued"}
