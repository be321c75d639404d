# Executes a notebook with a real kernel, saves it as Jupyter does, and asks its last widget for a token as a browser
# would. Usage: notebook.py CELLS.json OUT.ipynb. Prints {"answers": what the widget sent}. CELLS: a list of sources.
import asyncio
import json
import sys

import nbformat
from nbclient import NotebookClient

ANSWER_S = 20


async def ask(client, comm_id):
    """What the kernel sends to the browser after a custom message of it."""
    content = {"comm_id": comm_id, "data": {"method": "custom", "content": {"kind": "token", "number": 7}}}
    client.kc.shell_channel.send(client.kc.session.msg("comm_msg", content))
    while True:
        message = await client.kc.get_iopub_msg(timeout=ANSWER_S)
        if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == comm_id:
            return message["content"]["data"]["content"]


async def main():
    cells, out = sys.argv[1:]
    with open(cells, encoding="utf-8") as file:
        sources = json.load(file)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", store_widget_state=True)
    async with client.async_setup_kernel():
        for index, cell in enumerate(notebook.cells):
            await client.async_execute_cell(cell, index)
        client.set_widgets_metadata()
        plots = [key for key, model in client.widget_state.items() if "_esm" in model]
        answers = [await ask(client, key) for key in plots]
    nbformat.write(notebook, out)
    print(json.dumps({"answers": answers}))


asyncio.run(main())
