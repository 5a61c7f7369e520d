//! Machines on GPUs whose trainer computes on the host: what it is asked about is copied there, and its answers back.

use super::kernels::Vector;
use super::{GpuAsk, GpuError, GpuMachine, Link, Stream};
use crate::layout::Layout;
use crate::machine::{Answer, Ask, ModelAsk, Values, ValuesMut};
use crate::memory::Buffer;
use std::error::Error;

impl<L: Link> GpuMachine<L> {
    /// As [`step`](Self::step), with a trainer that computes on the host. The host waits for the GPU wherever it is asked.
    ///
    /// # Errors
    /// As there.
    pub fn step_on_host<A: Answer>(
        &mut self,
        trainer: &mut impl FnMut(ModelAsk<'_>) -> A,
    ) -> Result<(), GpuError> {
        let layout = self.layout().clone();
        self.is_asked_on_host = true;
        let result = self.step(&mut |ask, stream| answer(&layout, ask, stream, trainer));
        self.is_asked_on_host = false;
        result
    }

    /// [`model`](Self::model) as the host's machines show it.
    ///
    /// # Errors
    /// As there.
    pub fn model_on_host<R>(&mut self, look: impl FnOnce(Values<'_>) -> R) -> Result<R, GpuError> {
        let model = self.model()?;
        let buckets = self.layout().buckets().iter().zip(model);
        let buffers: Vec<Buffer> = buckets
            .map(|(bucket, bytes)| {
                let mut buffer = Buffer::zeros(bucket.dtype, bucket.length);
                buffer.bytes_mut().copy_from_slice(&bytes);
                buffer
            })
            .collect();
        Ok(look(Values::new(self.layout(), buffers.iter())))
    }
}

/// Asks the trainer, and queues the copy of what it answers.
fn answer<A: Answer>(
    layout: &Layout,
    ask: GpuAsk<'_>,
    stream: &Stream,
    trainer: &mut impl FnMut(ModelAsk<'_>) -> A,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (mut written, to, answered);
    match ask {
        GpuAsk::Gradient { point, gradient } => {
            let point = read(stream, point)?;
            (written, to) = (zeros(gradient), gradient);
            let (point, gradient) = (values(layout, &point), ValuesMut::new(layout, written.iter_mut()));
            answered = trainer(Ask::Gradient { point, gradient });
        }
        GpuAsk::Adapt { point, direction } => {
            (written, to) = (read(stream, point)?, point);
            let direction = direction.map(|direction| read(stream, direction)).transpose()?;
            let direction = direction.as_ref().map(|direction| values(layout, direction));
            let point = ValuesMut::new(layout, written.iter_mut());
            answered = trainer(Ask::Adapt { point, direction });
        }
        GpuAsk::Prox { point, rho, minimizer } => {
            let point = read(stream, point)?;
            (written, to) = (zeros(minimizer), minimizer);
            let (point, minimizer) = (values(layout, &point), ValuesMut::new(layout, written.iter_mut()));
            answered = trainer(Ask::Prox { point, rho, minimizer });
        }
    }
    answered.into_result()?;
    for (vector, buffer) in to.iter().zip(&written) {
        // SAFETY: the machine's vectors are valid while it asks.
        unsafe { stream.write_to(vector.address, buffer.bytes())? };
    }
    Ok(())
}

fn values<'a>(layout: &'a Layout, buffers: &'a [Buffer]) -> Values<'a> {
    Values::new(layout, buffers.iter())
}

fn zeros(vectors: &[Vector]) -> Vec<Buffer> {
    vectors.iter().map(|vector| Buffer::zeros(vector.dtype, vector.length)).collect()
}

fn read(stream: &Stream, vectors: &[Vector]) -> Result<Vec<Buffer>, GpuError> {
    let mut buffers = zeros(vectors);
    for (vector, buffer) in vectors.iter().zip(&mut buffers) {
        // SAFETY: the machine's vectors are valid while it asks.
        unsafe { stream.read_from(vector.address, buffer.bytes_mut())? };
    }
    Ok(buffers)
}
