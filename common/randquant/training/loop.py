"""The training loop, for any modality: bytes -> device -> views -> method -> step.

What a step does depends on the settings and the step's number alone: which items and bytes are read, and every random
draw, are functions of (seed, step, process). So a run that was killed and started again ends with the very bits of one
that was not.
"""

from contextlib import closing

import numpy as np
import torch

from randquant.training.optimization.schedule import set_learning_rate
from randquant.training.processes.ranks import any_process, joint_mean
from randquant.training.processes.stopping import stop_on_signal
from randquant.training.run import Run
from randquant.training.watching.measures import Throughput, measured, monitored


def fit(run: Run) -> None:
    """Train from the step after `run.start` to `run.steps`.

    Raises:
        DataError: the training diverged; the last good checkpoint is kept.
        KeyboardInterrupt: a signal stopped it, and its state is saved.
    """
    settings, fabric, model, optimizer = run.settings, run.fabric, run.model, run.optimizer
    generator = torch.Generator(device=fabric.device)
    speed, finite = Throughput(), torch.ones((), dtype=torch.bool, device=fabric.device)
    batches, log = run.batches.between(run.start, run.steps), run.log()
    with stop_on_signal() as stop, closing(batches), log, run.bar() as shown:
        for step, (raw, groups) in enumerate(batches, run.start + 1):
            _seed_step(settings.seed, step, fabric.global_rank, generator)
            set_learning_rate(optimizer, run.learning_rate(step))
            with torch.no_grad():
                views = run.views(raw, generator)
            losses, projections = [], []
            parts = views.parts(groups.to(fabric.device, non_blocking=True), settings.accumulate)
            for number, (part, its_groups) in enumerate(parts, 1):
                with fabric.no_backward_sync(model, enabled=number < settings.accumulate):
                    loss, projected = model(part.views, its_groups, local=part.local)
                    fabric.backward(loss / settings.accumulate)
                losses.append(loss.detach())
                projections.append(projected)
            if settings.gradient_clip:
                fabric.clip_gradients(model, optimizer, max_norm=settings.gradient_clip, error_if_nonfinite=False)
            optimizer.step()
            optimizer.zero_grad()
            run.after_step(step)

            loss = torch.stack(losses).mean()
            finite &= loss.isfinite()
            speed.add(settings.batch_size)
            logging, saving, monitoring, keeping = run.due(step)
            stopping = (logging or fabric.world_size == 1) and any_process(fabric, stop.is_set())
            if logging or saving or stopping:
                run.require(finite, step)
            if logging:
                loss = joint_mean(fabric, loss)
                log.row(step, measured(loss, torch.cat(projections), optimizer) | speed.read())
                shown.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if monitoring:
                log.row(step, monitored(run.task, run.encoder, fabric))
            if keeping:
                run.keep_encoder(step)
            if saving or stopping:
                run.save(step)
            shown.update(settings.batch_size)
            if stopping and step < run.steps:
                raise KeyboardInterrupt


def _seed_step(seed: int, step: int, rank: int, generator: torch.Generator) -> None:
    """Give a step its own randomness: `generator` for the views, the global one for dropout, which takes no other."""
    numbers = np.random.SeedSequence([seed, step, rank]).generate_state(2, np.uint64)
    generator.manual_seed(int(numbers[0]))
    torch.manual_seed(int(numbers[1]) >> 1)
