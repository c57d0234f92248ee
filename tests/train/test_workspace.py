"""Large arrays are lent, come back when nobody looks into them any more, and are lent again."""

from __future__ import annotations

import gc

import torch

from neurosparse.train.workspace import Workspace

MIB = 2**20


def big(workspace: Workspace, mib: int = 4) -> torch.Tensor:
    return workspace.empty((mib, MIB // 4), torch.float32)


def test_the_same_memory_comes_back() -> None:
    workspace = Workspace()
    one = big(workspace)
    address = one.data_ptr()
    assert address % 64 == 0
    assert one.shape == (4, MIB // 4)
    assert big(workspace).data_ptr() != address
    del one
    gc.collect()
    assert big(workspace).data_ptr() == address


def test_what_somebody_looks_into_stays_lent() -> None:
    workspace = Workspace()
    one = big(workspace)
    address = one.data_ptr()
    array = one.numpy()[1:]  # an array of the tensor
    del one
    gc.collect()
    assert big(workspace).data_ptr() != address
    array[:] = 1
    view = torch.from_numpy(array).view(-1)[5:]  # and a tensor of that array
    del array
    gc.collect()
    assert big(workspace).data_ptr() != address
    assert view.sum() > 0


def test_autograd_holds_on_to_what_it_needs() -> None:
    workspace = Workspace()
    one = big(workspace).fill_(2.0)
    weight = torch.ones(1, requires_grad=True)
    loss = (one * weight).sum()
    address, count = one.data_ptr(), one.numel()
    del one
    other = big(workspace).fill_(7.0)
    assert other.data_ptr() != address
    loss.backward()
    assert weight.grad is not None
    assert weight.grad.item() == 2 * count


def test_no_more_is_kept_than_was_lent_at_once() -> None:
    workspace = Workspace()
    held = [big(workspace, 2), big(workspace, 3)]
    held.clear()
    gc.collect()
    assert workspace.free_bytes == 5 * MIB
    # other sizes push the old ones out
    for mib in (12, 13, 14):
        big(workspace, mib)
        gc.collect()
        assert workspace.free_bytes <= max(5, mib) * MIB
    workspace.clear()
    assert workspace.free_bytes == 0


def test_small_arrays_are_left_to_malloc() -> None:
    workspace = Workspace()
    tensor = workspace.empty((3, 2), torch.float64)
    assert tensor.shape == (3, 2)
    del tensor
    gc.collect()
    assert workspace.free_bytes == 0
