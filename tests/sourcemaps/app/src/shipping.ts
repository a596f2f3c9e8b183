interface Parcel {
  weight?: { grams: number };
}

export function weigh(parcels: Parcel[]): number {
  return parcels.map((parcel) => parcel.weight!.grams).reduce((sum, grams) => sum + grams, 0);
}
