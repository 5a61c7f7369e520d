//! Reductions by a collective of the transport's own library, where there is one.

use super::{Wire, note};
use crate::error::{Place, RuntimeError};
use crate::trace::What;
use crate::transport::{FloatsMut, ReduceOp, Transport};

impl<X: Transport> Wire<X> {
    /// [`Transport::allreduce`]: whether the transport has done it. What its library sends is not counted.
    pub(crate) fn allreduce(
        &mut self,
        place: &Place,
        values: FloatsMut<'_>,
        operation: ReduceOp,
    ) -> Result<bool, RuntimeError> {
        let exchange = self.start();
        note(&self.recorder, *place, exchange, What::ExchangeBegan);
        let reduced = self.transport.allreduce(values, operation, self.deadline);
        let reduced = reduced.map_err(|fault| self.error(place, exchange, (place.round, fault)))?;
        note(&self.recorder, *place, exchange, What::ExchangeEnded);
        Ok(reduced)
    }
}
