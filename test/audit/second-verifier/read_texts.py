"""Says for each line of its input, [kind, text] in JSON, whether the readers of the verifier take the text: 1 or 0."""
import json, sys
from formats import ERRORS, WITNESS_KEY, is_called_loss, need, read_checkpoint, read_key, read_loss, read_note
from formats import read_canonical, read_succession
from verifier import LEAF
READERS = dict(
    note=read_note, checkpoint=read_checkpoint, key=read_key, succession=read_succession,
    witness=lambda text: read_key(text, WITNESS_KEY), leaf=lambda text: need(LEAF(read_canonical(text))),
    loss=lambda text: need(is_called_loss(read_checkpoint(text))) or read_loss(read_checkpoint(text)))
def is_taken(kind, text):
    try: READERS[kind](text)
    except ERRORS: return '0'
    return '1'
if __name__ == '__main__': print(''.join(is_taken(*json.loads(line)) for line in sys.stdin.buffer))
