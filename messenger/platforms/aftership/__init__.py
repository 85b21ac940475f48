"""AfterShip: parcels tracked for us."""
