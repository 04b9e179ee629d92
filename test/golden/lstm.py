"""
Writes lstm.json: what PyTorch makes of small seeded networks: logits, loss, gradients, and twenty steps of Adam with clipping.

    python3 -m venv ~/.cache/aftercare/golden-torch
    ~/.cache/aftercare/golden-torch/bin/pip install torch==2.15.0 numpy==2.4.6
    ~/.cache/aftercare/golden-torch/bin/python test/golden/lstm.py > test/golden/lstm.json

Computed in 64 bits from initial numbers of 32. Matrices are written as Keras lays them out: [inputs, outputs], gates i, f, c, o,
which is the transpose of PyTorch's, whose two biases are kept as one (the other stays 0).
"""
import json, sys
import numpy as np, torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
STEPS, B, T = 20, 6, 7

class Network(nn.Module):
    def __init__(self, V, E, H1, H2, C, head):
        super().__init__()
        self.head = head
        self.embedding = nn.Embedding(V, E, padding_idx=0)
        self.lstm1 = nn.LSTM(E, H1, batch_first=True)
        self.lstm2 = nn.LSTM(H1, H2, batch_first=True)
        self.dense = nn.Linear(H2, C)
        for lstm in (self.lstm1, self.lstm2):
            lstm.bias_hh_l0.requires_grad_(False).zero_()

    def forward(self, tokens):
        lengths = (tokens != 0).sum(1)
        x = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        x, _ = self.lstm1(x)
        x, (h, _) = self.lstm2(x)
        if self.head == 'last':
            return self.dense(h[0])
        x, _ = pad_packed_sequence(x, batch_first=True, total_length=tokens.shape[1])
        return self.dense(x)

    def named(self):
        yield 'embedding', self.embedding.weight, False
        for name, lstm in (('lstm1', self.lstm1), ('lstm2', self.lstm2)):
            yield f'{name}.kernel', lstm.weight_ih_l0, True
            yield f'{name}.recurrent', lstm.weight_hh_l0, True
            yield f'{name}.bias', lstm.bias_ih_l0, False
        yield 'dense.kernel', self.dense.weight, True
        yield 'dense.bias', self.dense.bias, False

def numbers(tensor, turned=False, digits=9):
    array = tensor.detach().numpy()
    return [float(f'{x:.{digits}g}') for x in (array.T if turned else array).ravel()]

def loss_of(logits, targets, weights):
    each = nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-1, reduction='none')
    counted = weights.reshape(-1) * (targets.reshape(-1) >= 0)
    return (each * counted).sum() / counted.sum()

def case(shape, seed, learning_rate, clip):
    r = np.random.default_rng(seed)
    n = Network(**shape)
    with torch.no_grad():
        for name, p, _ in n.named():
            p.copy_(torch.from_numpy(r.normal(0, .5, p.shape).astype(np.float32).astype(np.float64)))
        n.embedding.weight[0] = 0
    initial = {name: numbers(p, turned) for name, p, turned in n.named()}
    batches = []
    for _ in range(STEPS):
        lengths = r.integers(1, T + 1, B)
        lengths[0] = T
        tokens = r.integers(1, shape['V'], (B, T)) * (np.arange(T) < lengths[:, None])
        targets = r.integers(0, shape['C'], B if shape['head'] == 'last' else (B, T))
        weights = r.choice([.5, 1., 2.], targets.shape)
        if shape['head'] == 'each':
            targets = np.where(tokens == 0, -1, targets)
        targets.flat[-1] = -1
        batches.append((tokens, targets, weights))
    optimizer = torch.optim.Adam([p for p in n.parameters() if p.requires_grad], lr=learning_rate, eps=1e-7)
    losses, norms, first = [], [], {}
    for tokens, targets, weights in batches:
        optimizer.zero_grad()
        logits = n(torch.from_numpy(tokens))
        loss = loss_of(logits, torch.from_numpy(targets), torch.from_numpy(weights))
        loss.backward()
        if not losses:
            mask = (torch.from_numpy(tokens) != 0)[..., None] if shape['head'] == 'each' else 1
            first = {'logits': numbers(logits * mask), 'gradients': {name: numbers(p.grad, turned) for name, p, turned in n.named()}}
        norms.append(float(nn.utils.clip_grad_norm_(n.parameters(), clip)))
        optimizer.step()
        losses.append(float(loss.detach()))
    return {
        'shape': shape, 'B': B, 'T': T, 'options': {'learningRate': learning_rate, 'clipNorm': clip, 'epsilon': 1e-7},
        'batches': [{'tokens': t.ravel().tolist(), 'targets': y.ravel().tolist(), 'weights': w.ravel().tolist()} for t, y, w in batches],
        'initial': initial, **first, 'losses': losses, 'norms': norms, 'final': {name: numbers(p, turned) for name, p, turned in n.named()},
    }

shapes = [dict(V=13, E=5, H1=6, H2=3, C=4, head='last'), dict(V=11, E=8, H1=5, H2=6, C=9, head='each')]
cases = [case(shape, 11 + i, .01, clip) for i, (shape, clip) in enumerate(zip(shapes, (.5, 1e9)))]
json.dump({'torch': torch.__version__, 'cases': cases}, sys.stdout, separators=(',', ':'))
